/** Makes the entry of an act for the audit log. Pure. The entry has a hash in place of the owner, since that user may have been forgotten. */

import type { ActTarget, AuditEntry } from '../../core/operator/acts.ts';
import type { Preview } from './preview-store.ts';

/** How many of the changed tasks an entry names. */
const MOST_IDS = 100;

/**
 * Makes the entry after a step. An act on many tasks has one entry, which counts all of its steps so far.
 * @param preview the act; `told` is its entry after the step before
 * @param step what became of the tasks in this step; `ids`: those that were changed
 */
export function makeAuditEntry(
  { act, target, who, told }: Pick<Preview, 'act' | 'target' | 'who' | 'told'>,
  step: {
    readonly at: string;
    readonly done: number;
    readonly ids: readonly string[];
    readonly refused: number;
  },
  hashOwner: (owner: string) => string,
): AuditEntry {
  const owner = ownerOf(target);
  return {
    at: step.at,
    who,
    act,
    name: 'name' in target ? target.name : null,
    filter: 'filter' in target ? withoutOwner(target.filter) : null,
    owner: owner === null ? null : hashOwner(owner),
    done: (told?.done ?? 0) + step.done,
    refused: (told?.refused ?? 0) + step.refused,
    ids: [...(told?.ids ?? []), ...step.ids].slice(0, MOST_IDS),
  };
}

function ownerOf(target: ActTarget): string | null {
  if ('owner' in target) return target.owner;
  return 'filter' in target ? (target.filter.owner ?? null) : null;
}

function withoutOwner({
  owner: _,
  ...filter
}: Extract<ActTarget, { filter: unknown }>['filter']): AuditEntry['filter'] {
  return filter;
}
