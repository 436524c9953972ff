/** Makes the line about an act for the list that operators see. Pure. It names no owner: a user may have been forgotten. */

import { createHash } from 'node:crypto';
import type { ActTarget, AuditEntry } from '../../core/operator-api.ts';
import type { Preview } from './preview-store.ts';

const MOST_IDS = 100;

/** @param outcome what became of the tasks; `ids`: those that were changed */
export function auditEntry(
  { act, target, who }: Pick<Preview, 'act' | 'target' | 'who'>,
  outcome: {
    readonly at: string;
    readonly done: number;
    readonly ids: readonly string[];
    readonly refused: number;
  },
): AuditEntry {
  const owner = ownerOf(target);
  return {
    at: outcome.at,
    who,
    act,
    name: 'name' in target ? target.name : null,
    filter: 'filter' in target ? withoutOwner(target.filter) : null,
    owner: owner === null ? null : createHash('sha256').update(owner).digest('hex').slice(0, 16),
    done: outcome.done,
    refused: outcome.refused,
    ids: outcome.ids.slice(0, MOST_IDS),
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
