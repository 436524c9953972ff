// The two versions that run side by side, by name.

export const VERSIONS = ['earlier', 'today'] as const;
export type Version = (typeof VERSIONS)[number];

export function otherThan(version: Version): Version {
  return version === 'earlier' ? 'today' : 'earlier';
}
