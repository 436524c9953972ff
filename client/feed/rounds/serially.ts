/**
 * Wraps `act` so that it never runs twice at the same time. Calls while it runs make it run once more afterwards, however
 * many calls there are. The promise of each call resolves when `act` runs no more.
 * @param act must not reject
 */
export function serially(act: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let runsAgain = false;

  async function run(): Promise<void> {
    do {
      runsAgain = false;
      await act();
    } while (runsAgain);
    running = undefined;
  }

  return () => {
    if (running) runsAgain = true;
    running ??= run();
    return running;
  };
}
