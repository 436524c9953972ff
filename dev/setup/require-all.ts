// Finds or installs several parts in one go, so that a person who has to install something by hand hears of all at once. For
// `npm start` and `npm test`.
import { CommandError } from '../../cli/command-error.ts';

/**
 * Runs each of `steps`, one after another since package managers lock each other out, also after one has failed.
 *
 * @returns what the steps return, by name
 * @throws CommandError that says what each step said that failed with one
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
