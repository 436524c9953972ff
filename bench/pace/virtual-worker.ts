// The reporter, look timer, pacer and budget of a real worker, on a clock that simulation.ts moves. Functions stand for the store and
// the bus: they take no time and lose nothing.
import { Budget } from '../../backend/push/budget.ts';
import { Pacer } from '../../backend/push/pacer.ts';
import { NO_SUSPICION } from '../../backend/recovery/probation.ts';
import type { Change } from '../../backend/task-changes.ts';
import { createSnapshot, type Snapshot } from '../../core/tasks/snapshot.ts';
import { transition } from '../../core/tasks/transition.ts';
import { LookTimer } from '../../worker/progress/look-timer.ts';
import { Reporter } from '../../worker/progress/reporter.ts';
import type { AttemptChanges, Turns } from '../../worker/progress/reporter-ports.ts';
import type { Sender } from './simulation.ts';
import { settle, VirtualTime } from './virtual-time.ts';

const OWNER = 'ada';
const PUSHES_PER_SECOND = 10;

/**
 * A sender that follows inloop's own rule, push on surprise (docs/decisions/0014-push-on-surprise.md). It sends a message when the bar
 * on the page would be off by more than `accuracy`, a share of the total (0.01 is 1 %). The owner has a page open all the time.
 */
export function onSurprise(accuracy: number): Sender {
  return (tell) => {
    const time = new VirtualTime();
    const clock = { iso: () => new Date(time.elapsed()).toISOString() };
    const begun = { type: 'start', at: clock.iso() } as const;
    let snapshot: Snapshot = createSnapshot({ id: 'task', name: 'work', title: 'Work', attempts: 1, at: begun.at });
    const started = transition(snapshot, begun);
    if (started.ok) snapshot = started.snapshot;

    const budget = new Budget(PUSHES_PER_SECOND);
    const pacer = new Pacer(budget);
    const requests = new Map<string, (turn: { end(): void }) => void>();
    const turns: Turns = {
      takeTurn: (owner, key, { after }) =>
        new Promise((resolve) => {
          requests.set(key, resolve);
          pacer.request(owner, key, time.elapsed() + after, time.elapsed());
        }),
    };
    const push = (pushed: Snapshot) => {
      const isUrgent = false;
      budget.spend(OWNER, isUrgent, time.elapsed());
      tell(pushed.progress);
      return true;
    };
    const changes: AttemptChanges = {
      async apply(_task, event): Promise<Change> {
        const moved = transition(snapshot, event);
        if (!moved.ok) return { ok: false, refusal: moved.refusal, snapshot };
        snapshot = moved.snapshot;
        return { ok: true, snapshot, watched: true, pushed: push(snapshot) };
      },
      push: (task) => push(task.snapshot),
    };
    const record = {
      snapshot,
      owner: OWNER,
      input: null,
      raw: null,
      run: 1,
      worker: 'worker',
      begunAt: 0,
      handedBackProgress: null,
      suspicion: NO_SUSPICION,
      checkpoint: null,
    };
    const reporter = new Reporter({
      ports: {
        changes,
        turns,
        lookTimer: new LookTimer(time),
        accuracy,
        clock,
        time,
        events: { emit: () => undefined },
      },
      record,
      watched: true,
      onStale: () => undefined,
      onCancelling: () => undefined,
    });
    return {
      report: (progress) => reporter.report(progress),
      async advance(now) {
        await time.advance(now);
        for (const turn of pacer.giveTurns(now)) {
          requests.get(turn.key)?.({ end: () => pacer.endTurn(turn, time.elapsed()) });
          await settle();
        }
      },
      close: () => reporter.close(),
    };
  };
}
