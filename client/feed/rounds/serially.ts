/**
 * Makes `act` run at most once at a time. A call while it runs makes it run once more afterwards, however many calls there
 * were. Resolves when it runs no more.
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
