// The Soketi of `npx inloop dev`: the one that the application has installed, or else one of its own in the state folder.
import { join } from 'node:path';
import {
  findSoketi,
  installCommands,
  installNodeCommand,
  NODE20_FOLDER,
  NODE20_PACKAGE,
  SOKETI_OVERRIDES,
  SOKETI_PACKAGE,
  type SoketiInstallation,
  SoketiMissingError,
} from '../../soketi/find-soketi.ts';
import { CommandError } from '../command-error.ts';
import { installPackages } from './npm-packages.ts';

/**
 * Finds Soketi and a Node that can run it; installs what is missing into the folder `packages` of the state folder.
 *
 * @param project the folder of the application
 * @throws CommandError that names the command to run by hand, if an installed Soketi cannot be used, if `INLOOP_NO_INSTALL` is 1,
 *   or if the installation fails
 */
export async function requireSoketi(project: string, stateFolder: string): Promise<SoketiInstallation> {
  const folder = join(stateFolder, 'packages');
  const folders = [project, folder];
  const installed = find(folders);
  if (!(installed instanceof SoketiMissingError)) return installed;
  const { fault } = installed;
  const needsNode = !/^v(18|20)\./.test(process.version);
  if (fault === 'no_soketi') {
    await installPackages({
      folder,
      packages: [SOKETI_PACKAGE, ...(needsNode ? [`${NODE20_PACKAGE}@20`] : [])],
      overrides: SOKETI_OVERRIDES,
      why: 'Soketi is missing (AGPL-3.0, run as a process of its own)',
      instead: `Install it into your application with: ${installCommands()}`,
    });
  } else if (fault === 'no_node') {
    await installPackages({
      folder: join(folder, NODE20_FOLDER),
      packages: [`${NODE20_PACKAGE}@20`],
      why: `Soketi needs a Node 20 beside this Node ${process.versions.node}`,
      instead: `Install one with: ${installNodeCommand()}`,
    });
  }
  const found = find(folders);
  if (found instanceof SoketiMissingError) throw new CommandError(found.message);
  return found;
}

function find(folders: readonly string[]): SoketiInstallation | SoketiMissingError {
  try {
    return findSoketi(folders);
  } catch (error) {
    if (error instanceof SoketiMissingError) return error;
    throw error;
  }
}
