/** A part of the tray that is fetched when it is first wanted, so that other pages do not pay for it. */
export class OnDemand<T> {
  readonly #fetch: () => Promise<() => T>;
  /** Whether `load` was ever called, however that ended. Who would call it in every frame looks here first. */
  isWanted = false;
  #value: T | undefined;

  /** @param fetch resolves with what makes the part, which is called once */
  constructor(fetch: () => Promise<() => T>) {
    this.#fetch = fetch;
  }

  /** Undefined until it is there. */
  get value(): T | undefined {
    return this.#value;
  }

  /** Resolves with undefined where it cannot be fetched; the next call tries again. Never rejects. */
  async load(): Promise<T | undefined> {
    this.isWanted = true;
    const create = await this.#fetch().catch(() => undefined);
    // Two calls may have waited for one fetch.
    this.#value ??= create?.();
    return this.#value;
  }
}
