// The nginx that tests put in front of several servers. Not part of the stack.
import { findOnPath } from '../../cli/parts/find.ts';
import type { SystemPart } from '../../cli/parts/system-packages.ts';

/** Path of an installed nginx, or null. */
export function findNginx(): string | null {
  // A user who is not root often lacks /usr/sbin in PATH.
  return findOnPath(['nginx'], ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin']);
}

/** nginx as a package of the system. */
export const NGINX: SystemPart = {
  name: 'nginx',
  packages: {
    'apt-get': ['nginx'],
    brew: ['nginx'],
    dnf: ['nginx'],
    yum: ['nginx'],
    apk: ['nginx'],
    pacman: ['nginx'],
  },
  find: findNginx,
};
