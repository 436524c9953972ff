// The kind of error that a command prints as a single line, without a stack trace.

/** Something that the person who runs the command can put right. The message says what was found and what to do. */
export class CommandError extends Error {
  override name = 'CommandError';
}

/** Runs a command's main function. If it fails, prints a `CommandError` as one line, any other error with its stack; exit code 1. */
export function runMain(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    console.error(error instanceof CommandError ? `inloop: ${error.message}` : error);
    process.exit(1);
  });
}
