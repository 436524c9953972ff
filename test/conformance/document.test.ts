// Compares docs/protocol.md with the code that it describes, so that neither changes alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { channelOf } from '../../core/channel.ts';
import * as limits from '../../core/limits.ts';
import { PACE_HORIZON_MS } from '../../core/tasks/pace.ts';
import { type Snapshot, STATUSES } from '../../core/tasks/snapshot.ts';
import { transition } from '../../core/tasks/transition.ts';
import { PROTOCOL_VERSION } from '../../core/wire.ts';
import { REPOSITORY } from '../../dev/paths.ts';
import { anyEventSeed, eventFor, newTask, SNAPSHOT_KEYS } from '../support/task-events.ts';
import channels from './fixtures/channels.json' with { type: 'json' };
import merging from './fixtures/merging.json' with { type: 'json' };
import moving from './fixtures/moving.json' with { type: 'json' };

const text = readFileSync(join(REPOSITORY, 'docs', 'protocol.md'), 'utf8').trim();

/** The cells of the table whose first heading is `heading`. If several tables have it, `nth` counts them from 0. */
function table(heading: string, nth = 0): string[][] {
  const start = text.split(`\n| ${heading} |`)[nth + 1] ?? '';
  const rows = start.split('\n\n')[0]?.split('\n').slice(2) ?? [];
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('\\|', '|')),
  );
}
const plain = (cell = '') => cell.replaceAll('`', '');

describe('the protocol’s document', () => {
  it('names the version that answers carry, as the fixtures do', () => {
    expect(text).toContain(`# The inloop protocol, version ${PROTOCOL_VERSION}\n`);
    expect(text).toContain(`\`Inloop-Protocol: ${PROTOCOL_VERSION}\``);
    for (const { protocol } of [channels, merging, moving]) expect(protocol).toBe(PROTOCOL_VERSION);
  });

  it('has correct examples of channels', () => {
    // `private-user- and 151 times x` stands for `private-user-` followed by 151 x.
    const repeated = (cell: string) =>
      cell.replace(/(.*?)(?: and )?(\d+) times (.)$/, (_, before, times, char) => {
        return before + char.repeat(Number(times));
      });
    const rows = table('owner');
    expect(rows).toHaveLength(9);
    for (const [owner, channel] of rows) expect(channelOf(repeated(plain(owner)))).toBe(repeated(plain(channel)));
  });

  it('describes every field of a snapshot and no other', () => {
    const named = table('field').flatMap(([names]) => plain(names).split(', '));
    const optional = ['waitingFor', 'queue', 'startsAt', 'parent', 'children'];
    expect(named.sort()).toEqual([...SNAPSHOT_KEYS, ...optional].sort());
  });

  it('says for each status which fields are null', () => {
    const rows = table('status', 1);
    const heads = ['progress', 'startedAt', 'finishedAt', 'signOfLifeAt', 'expectedAt', 'result', 'error', 'seenAt'];
    expect(rows.map(([status]) => plain(status))).toEqual([...STATUSES]);
    const marks = new Map(rows.map(([status, ...cells]) => [plain(status), cells]));
    const check = (snapshot: Snapshot) => {
      // A cell says `–` where the field is null, and `?` where it may be.
      const wrong = heads.filter((field, column) => {
        const mark = marks.get(snapshot.status)?.[column];
        return mark !== '?' && (mark === '–') !== (snapshot[field as keyof Snapshot] === null);
      });
      expect({ status: snapshot.status, wrong }).toEqual({ status: snapshot.status, wrong: [] });
    };
    fc.assert(
      fc.property(fc.array(anyEventSeed, { maxLength: 12 }), (seeds) => {
        let snapshot: Snapshot = newTask();
        check(snapshot);
        for (const seed of seeds) {
          const moved = transition(snapshot, eventFor(snapshot, seed));
          if (moved.ok) snapshot = moved.snapshot;
          check(snapshot);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('says for how long a rate moves a bar', () => {
    expect(text).toContain(`min(max(now − updatedAt, 0), ${PACE_HORIZON_MS / 1_000} s)`);
  });

  it('names the limits that the code has', () => {
    const numbers = table('what').map(([, limit]) => Number.parseInt((limit ?? '').replaceAll(',', ''), 10));
    expect(numbers).toEqual([
      limits.MAX_EVENT_BYTES,
      limits.MAX_CHANNEL_LENGTH,
      limits.MAX_OWNER_LENGTH,
      limits.MAX_INPUT_BYTES,
      limits.MAX_RESULT_BYTES,
      limits.MAX_TITLE_LENGTH,
      limits.MAX_ERROR_MESSAGE_LENGTH,
      limits.MAX_SEEN_IDS,
      limits.MAX_PAGE_SIZE,
      limits.MAX_ANSWER_BYTES,
      limits.MAX_WAIT_SECONDS,
      // Days for which finished tasks are kept.
      7,
    ]);
  });
});
