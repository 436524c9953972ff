// The part `one-minute`: a task of 60 s, once with 1,000 elements, once with 10,000 elements a second. Counts the messages, and measures
// the longest time without one. docs/cost.md is computed from the counts.
import { figure, table } from '../../measure/table.ts';
import { atMost, definePart, type Part } from '../../part.ts';
import { withRunningStack } from '../../running-stack.ts';
import { withOwnServices } from '../../services.ts';
import { makeInput } from '../../stacks/task.ts';

const NAMES = ['pusher-per-element', 'inloop', 'inloop-accuracy-5'] as const;
type Name = (typeof NAMES)[number];
const USER = 'user-0';

/** The messages that the page of one task got. */
interface Steps {
  readonly elements: number;
  /** Events while the task ran. */
  readonly pushes: number;
  /** Events in the busiest second. */
  readonly busiest: number;
  /** Longest time between two events, in ms. */
  readonly longestGap: number;
}

/** What the part has counted. */
export interface OneMinuteFigures {
  readonly seconds: number;
  /** One task of 1,000 elements: events published and delivered to the one page that is open. */
  readonly messages: Readonly<Record<Name, { readonly published: number; readonly delivered: number }>>;
  /** One task of 10,000 elements a second. */
  readonly fast: Readonly<Record<'inloop' | 'inloop-accuracy-5', Steps>>;
}

export const oneMinute: Part<unknown> = definePart<OneMinuteFigures>({
  name: 'one-minute',
  title: 'one-minute: a task of 60 s',
  async measure({ quick, log }) {
    const seconds = quick ? 6 : 60;
    const elements = quick ? 100 : 1_000;
    log(`tasks of ${seconds} s, side by side, each with a Redis and a Soketi of its own`);
    const [perElement, inloop, coarse, fastInloop, fastCoarse] = await Promise.all([
      countMessages('pusher-per-element', seconds, elements),
      countMessages('inloop', seconds, elements),
      countMessages('inloop-accuracy-5', seconds, elements),
      measureSteps('inloop', seconds),
      measureSteps('inloop-accuracy-5', seconds),
    ]);
    return {
      seconds,
      messages: { 'pusher-per-element': perElement, inloop, 'inloop-accuracy-5': coarse },
      fast: { inloop: fastInloop, 'inloop-accuracy-5': fastCoarse },
    };
  },
  report({ seconds, messages, fast: { inloop, 'inloop-accuracy-5': coarse } }) {
    const row = (name: string, { elements, pushes, busiest, longestGap }: Steps) => [
      name,
      figure(elements),
      figure(pushes),
      figure(busiest),
      figure(longestGap),
    ];
    return {
      text: [
        `1,000 elements in 60 s, one page open (${seconds} s measured), in messages. The first one, that the task is queued, and its outcome count, too:`,
        table(
          ['stack', 'published', 'delivered'],
          NAMES.map((name) => [name, figure(messages[name].published), figure(messages[name].delivered)]),
        ),
        `10,000 elements a second for ${seconds} s, in messages while the task runs:`,
        table(
          ['stack', 'elements', 'messages', 'in the busiest second', 'longest time without one, ms'],
          [row('inloop', inloop), row('inloop-accuracy-5', coarse)],
        ),
      ].join('\n\n'),
      targets: [
        atMost('one-minute: published for 1,000 elements, default', messages.inloop.published, 12),
        atMost('one-minute: messages for 600,000 elements, default', inloop.pushes, 12),
        // A sign of life is due every 10 s. 300 ms are for its turn and for the way to the page.
        atMost('one-minute: longest time without a message, default', inloop.longestGap, 10_300, ' ms'),
        atMost('one-minute: longest time without a message, accuracy 5 %', coarse.longestGap, 10_300, ' ms'),
      ],
    };
  },
});

function countMessages(stack: Name, seconds: number, elements: number) {
  return withOwnServices((services) =>
    withRunningStack({ services, stack, users: [USER], concurrency: 1 }, async (running) => {
      const input = makeInput({ n: 1, user: USER, elements, work: 'paced', size: seconds * 1_000 });
      const { counts, received } = await running.run([input]);
      return { published: counts.events, delivered: received };
    }),
  );
}

function measureSteps(stack: Name, seconds: number): Promise<Steps> {
  return withOwnServices((services) =>
    withRunningStack({ services, stack, users: [USER], concurrency: 1 }, async (running) => {
      const elements = seconds * 10_000;
      const input = makeInput({ n: 1, user: USER, elements, work: 'paced', size: seconds * 1_000 });
      const { marks, steps } = await running.run([input]);
      const [mark] = marks;
      if (!mark) throw new Error('The task did not run.');
      const times = (steps[USER] ?? []).filter((time) => time > mark.began && time < mark.done);
      const moments = [mark.began, ...times, mark.done];
      const gaps = moments.slice(1).map((time, index) => time - (moments[index] ?? time));
      return {
        elements,
        pushes: times.length,
        busiest: Math.max(
          ...times.map((time) => times.filter((other) => other >= time && other < time + 1_000).length),
        ),
        longestGap: Math.max(...gaps),
      };
    }),
  );
}
