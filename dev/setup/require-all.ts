// Finds or installs several parts, and names all that are missing in one error, so that a person can install them at once. For
// `npm start` and `npm test`.
import { CommandError } from '../../cli/command-error.ts';

/**
 * Runs all `steps`, one after another: two package managers at the same time would lock each other out. Goes on after a step has
 * failed with a CommandError.
 *
 * @returns what the steps return, by name
 * @throws CommandError with the messages of all steps that have failed
 */
export async function requireAll<Parts extends Readonly<Record<string, unknown>>>(
  steps: {
    readonly [Name in keyof Parts]: () => Promise<Parts[Name]>;
  },
): Promise<Parts> {
  const found: Partial<Parts> = {};
  const missing: string[] = [];
  for (const name of Object.keys(steps) as (keyof Parts)[]) {
    try {
      found[name] = await steps[name]();
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      missing.push(error.message);
    }
  }
  if (missing.length > 0) throw new CommandError(missing.join('\ninloop: '));
  return found as Parts;
}
