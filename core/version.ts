/** The version of the package, as package.json has it: a bundle has no package.json to read. `version.test.ts` compares. */
export const VERSION = '0.1.0';
