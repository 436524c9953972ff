/** `act`, never twice at once: who asks while it runs has it run once more. Resolves when that is over. */
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
