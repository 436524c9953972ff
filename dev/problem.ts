// The one kind of error that is shown to the person at the keyboard as a single line, without a stack trace.

/** Something that person can put right; the message says what was found and what to do. */
export class Problem extends Error {
  override name = 'Problem';
}

/** Runs a command's main function; a `Problem` becomes one line and exit code 1, anything else also its stack. */
export function runMain(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    console.error(error instanceof Problem ? `inloop: ${error.message}` : error);
    process.exit(1);
  });
}
