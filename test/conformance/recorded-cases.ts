// The recorded cases of merging (fixtures/merging.json): steps that a client takes, and what it must know after them.
import recorded from './fixtures/merging.json' with { type: 'json' };
import type { Json, Known, Step } from './follower.ts';

/** Names a snapshot of the file, with fields that differ from it. */
interface Named {
  readonly snapshot: string;
  readonly with?: Json;
}
/** A step as the file has it: with names of snapshots in place of snapshots. */
type RecordedStep = ({ readonly event: string } & (Named | { readonly data: unknown })) | { readonly fetched: Named[] };

const resolve = ({ snapshot, with: more }: Named): Json => ({
  ...(recorded.snapshots as Readonly<Record<string, Json>>)[snapshot],
  ...more,
});

/** The cases, with their snapshots filled in. */
export const RECORDED_CASES: readonly { name: string; steps: Step[]; expected: Known }[] = recorded.cases.map(
  ({ name, steps, expected }) => ({
    name,
    steps: (steps as RecordedStep[]).map(
      (step): Step =>
        'fetched' in step
          ? { fetched: step.fetched.map(resolve) }
          : { event: step.event, data: 'snapshot' in step ? resolve(step) : step.data },
    ),
    expected: { tasks: (expected.tasks as Named[]).map(resolve), fetch: expected.fetch } as Known,
  }),
);
