// Writes docs/cost.md: what the counted messages cost on hosted Pusher.
import { PLANS } from '../../operator/data/plans.ts';
import { figure, table } from '../measure/table.ts';
import type { OneMinuteFigures } from '../parts/limits/one-minute.ts';
import type { Keeper } from './kept.ts';

const TASKS_A_DAY = 10_000;
/** Calls of the webhook for one page: one when its channel becomes occupied, one when it is vacated. */
const WEBHOOKS = 2;
/** Events `task.seen`: one, since the page shows the outcome in `<inloop-tray>`, which then says that it was seen. */
const SEEN = 1;
/**
 * Messages a day for the health checks of three processes that start once a day: one for each start, and one every 10 minutes for
 * all of them (backend/push/bus/bus-health.ts).
 */
const HEALTH_CHECKS = 3 + 24 * 6;
const POLL_EVERY_MS = 500;
const TASK_S = 60;

/** What a task costs with one page of its owner open, in messages. */
interface Counts {
  readonly published: number;
  readonly delivered: number;
  readonly seen: number;
  readonly webhooks: number;
  /** Messages a day for health checks, whatever the number of tasks. */
  readonly healthChecks: number;
}

/** The text of docs/cost.md; null when the figures of the part `one-minute` are not kept. The page then stays as it is. */
export function costPage(keeper: Pick<Keeper, 'read'>): string | null {
  const kept = keeper.read('one-minute');
  if (kept === null) return null;
  const { messages } = kept.raw as OneMinuteFigures;
  const ofInloop = { seen: SEEN, webhooks: WEBHOOKS, healthChecks: HEALTH_CHECKS };
  const none = { seen: 0, webhooks: 0, healthChecks: 0 };
  const every100Ms = { published: TASK_S * 10, delivered: TASK_S * 10 };
  const { inloop } = messages;
  const rows: readonly (readonly [string, Counts])[] = [
    ['a message an element (pusher-per-element)', { ...messages['pusher-per-element'], ...none }],
    ['a message every 100 ms (computed)', { ...every100Ms, ...none }],
    ['inloop, default', { ...inloop, ...ofInloop }],
    ['inloop, `accuracy: 0.05`', { ...messages['inloop-accuracy-5'], ...ofInloop }],
  ];
  const polls = (TASK_S * 1_000) / POLL_EVERY_MS;
  return `${[
    '# Cost',
    `Written by \`npm run bench\` from what it counted (${kept.machine}; ${kept.day}); do not edit. This page says what ${TASKS_A_DAY.toLocaleString('en')} tasks a day cost on hosted Pusher, each of ${TASK_S} s and 1,000 elements. One page of the owner opens when the task starts and closes when the outcome was seen.`,
    table(
      [
        'stack',
        'published',
        'delivered',
        'seen',
        'webhooks',
        'messages a task',
        'messages a day',
        'smallest plan',
        '$ a month',
      ],
      [
        ...rows.map(([label, counts]) => [label, ...cellsOf(counts)]),
        [`a poll every ${POLL_EVERY_MS} ms (status-row)`, '0', '0', '0', '0', '0', '0', 'none', '0'],
      ],
    ),
    `Polling needs no plan. It costs ${polls} requests to your own server for each of these tasks, ${(polls * TASKS_A_DAY).toLocaleString('en')} a day, and shows an outcome a quarter of a second late on average.`,
    COUNTED,
    `Worked example, with the figures of “inloop, default” above: ${inloop.published} published and ${inloop.delivered} delivered, ${SEEN} × 2 for the outcome that was seen, and ${WEBHOOKS} webhooks are ${figure(messagesPerTask({ ...inloop, ...ofInloop }))} messages a task. ${TASKS_A_DAY.toLocaleString('en')} tasks and ${HEALTH_CHECKS} messages for health checks are ${messagesPerDay({ ...inloop, ...ofInloop }).toLocaleString('en')} messages a day.`,
    ADVICE,
    PRICES,
    table(
      ['plan', 'messages a day', '$ a month'],
      PLANS.map((plan) => [plan.name, plan.messagesPerDay.toLocaleString('en'), String(plan.dollarsPerMonth)]),
    ),
    SOURCE,
  ].join('\n\n')}\n`;
}

/** Messages of one task. An event that is published to one page is two messages: sent, and delivered. */
function messagesPerTask({ published, delivered, seen, webhooks }: Counts): number {
  return published + delivered + seen * 2 + webhooks;
}

function messagesPerDay(counts: Counts): number {
  return messagesPerTask(counts) * TASKS_A_DAY + counts.healthChecks;
}

/** The cells of a row after its label. */
function cellsOf(counts: Counts): readonly string[] {
  const { published, delivered, seen, webhooks } = counts;
  const plan = PLANS.find((one) => one.messagesPerDay >= messagesPerDay(counts));
  return [
    ...[published, delivered, seen * 2, webhooks, messagesPerTask(counts)].map(figure),
    messagesPerDay(counts).toLocaleString('en'),
    plan?.name ?? 'by contract',
    plan ? String(plan.dollarsPerMonth) : '–',
  ];
}

const COUNTED = `## How it is counted

\`\`\`
messages a task = (published + seen) × (1 + pages) + webhooks + look-ups
messages a day  = messages a task × tasks a day + health checks
\`\`\`

In the formula, \`seen\` is a number of events: 1 here. The table above shows its two messages, the one sent and the one delivered.

Hosted Pusher counts each call of its HTTP API, each event that is delivered to a connection, and each call of your webhook.
Whether it counts a call with ten events as one or as ten is not documented; here it is ten.

| what | when | messages |
|---|---|---|
| \`published\`: an event of a task | queued, running, a bar that would be off, a sign of life every 10 s, the outcome; while no page of the owner is open, the outcome only | 1, and 1 for each page |
| \`seen\`: outcomes were seen | when a page has shown them, for up to 192 at once | 1, and 1 for each page |
| the end of a session | \`tasks.endSessions()\` | 1, and 1 for each page; with \`userSignIn\` 1 more |
| \`webhooks\` | the first page of a user has opened, the last one has closed. What happens within 250 ms shares a call, up to 20 events | 1 a call |
| \`look-ups\`: is a channel really vacant? | the last page of a user with active tasks has closed | 1 |
| \`health checks\` (\`/readyz\`, \`backend.check()\`) | after the start of each process, asked or not; then when no process has pushed anything for 10 minutes | 1 |
| a bus that is away or refuses | over its quota or rate: two calls a minute of each process with something to send. After any other failure: one call every 1 to 2 s | 1 a call that is answered |
| authorization, connections, pings, subscriptions | | 0 |

- A page is a browser here: its tabs share one connection (\`<inloop-tray>\` does so by itself). With two browsers open,
  \`pages\` is 2.
- Three processes that have nothing to do send nothing. If each is asked for its health every 10 s, that is 3 messages after
  their start and then at most 6 an hour for all of them. A user with a page open and nothing running costs nothing.
- A task that ends within 200 ms has two events: that it is queued, and its outcome. So has one that ends within 400 ms and whose
  progress has shown that it will.
- A message an element is published even while nobody watches.
- Plans limit connections too; every stack needs the same number of them.
- Your own Soketi has no price per message. There the counts say how much load it has.`;

const ADVICE = `## What keeps it low

- In Pusher's dashboard turn on webhooks for “Channel existence” only, and leave their batches on. Leave client events and
  subscription counting off: inloop uses neither.
- \`accuracy: 0.05\` lets a bar be off by 5 % of the total. What remains is mostly the sign of life every 10 s.
- \`pushesPerSecond\` limits what one user gets in a second, with however many tasks on however many workers. It does not lower
  what a quiet user costs. Workers that run tasks of one user share it in equal parts: of 10 a second, 3 workers send 3 each.
  They learn of each other with the changes that they store, so in the second in which one more worker begins, the user may get a
  few messages more. Outcomes are never held back. Each server has a limit of its own, as high, for telling that tasks are queued.`;

const PRICES = `## Prices

Prices on the day below, in US dollars before tax; **replace them with those of your own contract**
(\`PLANS\` in \`operator/data/plans.ts\`, then \`npm run bench -- --pages\`):`;

const SOURCE = `The plans are from a transcript of pusher.com/channels/pricing by a third party, dated 2026-05-08 (github.com/api-evangelist/pusher,
\`plans/\`), looked up on 2026-11-28. What is counted is from Pusher's support pages of the same day (docs.bird.com/pusher, “How
is my message count calculated in Channels?” and “What is the batch size and batch window for Channels webhooks?”). Pusher's
own price page could not be reached then, so check it before you budget.`;
