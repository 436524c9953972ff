/**
 * Pauses definitions: workers take no task of a paused one until it is resumed. New tasks still queue, and those that run
 * go on. It serves the operator's page. The scripts that take jobs look at the key `paused:<name>` (queue/line-scripts.ts). A
 * worker of an earlier version does not.
 */

import type { CommandRunner } from '../store/commands/define-command.ts';

/** Since when a definition is paused, and by whom. */
export interface Pause {
  readonly since: string;
  readonly who: string | null;
}

export class Pauses {
  readonly #redis: Pick<CommandRunner, 'keys' | 'send'>;

  constructor(redis: Pick<CommandRunner, 'keys' | 'send'>) {
    this.#redis = redis;
  }

  /** The pause of each of these definitions that is paused. @throws TaskError `store_unavailable` */
  async of(names: readonly string[]): Promise<ReadonlyMap<string, Pause>> {
    if (names.length === 0) return new Map();
    const stored = await this.#redis.send((client) => client.mGet(names.map((name) => this.#key(name))));
    const found = names.flatMap((name, n) => {
      const text = stored[n];
      return text ? [[name, JSON.parse(text) as Pause] as const] : [];
    });
    return new Map(found);
  }

  /**
   * Takes effect within 2 s. The definition is listed from then on, even if no server or worker names it any more: otherwise
   * nobody would see the pause.
   * @returns false if it is paused already @throws TaskError `store_unavailable`
   */
  async pause(name: string, pause: Pause): Promise<boolean> {
    const text = JSON.stringify(pause);
    const { definitions } = this.#redis.keys;
    await this.#redis.send((client) => client.sAdd(definitions, name));
    return (await this.#redis.send((client) => client.set(this.#key(name), text, { NX: true }))) !== null;
  }

  /** Takes effect within half a second. @returns false if it was not paused @throws TaskError `store_unavailable` */
  async resume(name: string): Promise<boolean> {
    return (await this.#redis.send((client) => client.del(this.#key(name)))) > 0;
  }

  #key(name: string): string {
    return this.#redis.keys.line(name).paused;
  }
}
