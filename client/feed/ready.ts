/** The promise that says whether the first fetch of a feed has succeeded (`PendingFeed.ready`). */

export interface Ready {
  readonly promise: Promise<void>;
  /** Resolves the promise. Of all calls of `succeed` and `fail` only the first one counts. */
  succeed(): void;
  fail(error: unknown): void;
}

/** The promise is pending until `succeed` or `fail` is called. */
export function createReady(): Ready {
  let succeed!: () => void;
  let fail!: (error: unknown) => void;
  const promise = new Promise<void>((...settle) => {
    [succeed, fail] = settle;
  });
  // A page that does not await the promise must not get a warning about an unhandled rejection.
  promise.catch(() => {});
  return { promise, succeed, fail };
}
