// Writes docs/cost.md: what the counted messages cost on hosted Pusher.
import { figure, table } from '../measure/table.ts';
import type { OneMinuteFigures } from '../parts/limits/one-minute.ts';
import type { Keeper } from './kept.ts';

const TASKS_A_DAY = 10_000;
/** Webhooks for one page: its channel becomes occupied, and later vacated. */
const WEBHOOKS = 2;
const POLL_EVERY_MS = 500;
const TASK_S = 60;

interface Plan {
  readonly name: string;
  /** In US dollars. */
  readonly monthly: number;
  readonly messagesADay: number;
}

/** As listed on the day that the page names; replace them with those of your own contract. */
const PLANS: readonly Plan[] = [
  { name: 'Sandbox', monthly: 0, messagesADay: 200_000 },
  { name: 'Startup', monthly: 49, messagesADay: 1_000_000 },
  { name: 'Pro', monthly: 99, messagesADay: 4_000_000 },
  { name: 'Business', monthly: 299, messagesADay: 10_000_000 },
  { name: 'Premium', monthly: 499, messagesADay: 20_000_000 },
  { name: 'Growth', monthly: 699, messagesADay: 40_000_000 },
  { name: 'Plus', monthly: 899, messagesADay: 60_000_000 },
  { name: 'Growth Plus', monthly: 1_199, messagesADay: 90_000_000 },
];

const NAMES = ['pusher-per-element', 'inloop', 'inloop-thrifty'] as const;
const LABELS: Readonly<Record<(typeof NAMES)[number], string>> = {
  'pusher-per-element': 'pusher-per-element',
  inloop: 'inloop, default',
  'inloop-thrifty': 'inloop, thrifty (`accuracy: 0.05`)',
};

export function costPage(keeper: Keeper): string {
  const kept = keeper.read('one-minute');
  if (kept === null) return '# Cost\n\nNot measured: run `npm run bench`.\n';
  const { messages } = kept.raw as OneMinuteFigures;
  const rows = NAMES.map((name) => {
    const { published, delivered } = messages[name];
    const webhooks = name === 'pusher-per-element' ? 0 : WEBHOOKS;
    return [LABELS[name], ...[published, delivered, webhooks].map(figure), ...costOf(published + delivered + webhooks)];
  });
  const polls = (TASK_S * 1_000) / POLL_EVERY_MS;
  return `${[
    '# Cost',
    `Written by \`npm run bench\` from what it counted (${kept.machine}; ${kept.day}); do not edit. This page says what ${TASKS_A_DAY.toLocaleString('en')} tasks a day cost on hosted Pusher, each of ${TASK_S} s and 1,000 elements. One page of the owner opens when the task starts and closes when it ends.`,
    table(
      [
        'stack',
        'published',
        'delivered',
        'webhooks',
        'messages a task',
        'messages a day',
        'smallest plan',
        '$ a month',
      ],
      [...rows, [`status-row (a poll every ${POLL_EVERY_MS} ms)`, '0', '0', '0', '0', '0', 'none', '0']],
    ),
    `Polling needs no plan. It costs ${polls} requests to your own server for each of these tasks, ${(polls * TASKS_A_DAY).toLocaleString('en')} a day, and shows an outcome a quarter of a second late on average.`,
    FORMULAS,
    table(
      ['plan', 'messages a day', '$ a month'],
      PLANS.map(({ name, messagesADay, monthly }) => [name, messagesADay.toLocaleString('en'), String(monthly)]),
    ),
    SOURCE,
  ].join('\n\n')}\n`;
}

/** The last four cells of a row. */
function costOf(messages: number): readonly string[] {
  const aDay = messages * TASKS_A_DAY;
  const plan = PLANS.find(({ messagesADay }) => messagesADay >= aDay);
  return [figure(messages), aDay.toLocaleString('en'), plan?.name ?? 'by contract', plan ? String(plan.monthly) : '–'];
}

const FORMULAS = `## How it is counted

- A message is one event published, one event delivered to one connection, or one webhook:
  \`messages a task = published + published × pages + webhooks\`. With more pages of the owner open, the deliveries grow:
  \`published × (1 + pages)\`. The tabs of a browser share one connection (\`<inloop-tray>\` does so by
  itself), so that a browser counts as one page.
- \`messages a day = messages a task × tasks a day\`. The table names the smallest plan that allows that
  number. Plans limit connections too; every stack needs the same number of them.
- While no page of the owner is open, inloop publishes the outcome only: 1 message for the whole task, however many
  elements it has. pusher-per-element publishes every element even then.
- Your own Soketi has no price per message. There the counts say how much load it has.

## Prices

Prices on the day below, in US dollars before tax; **replace them with those of your own contract**
(\`PLANS\` in \`bench/pages/cost.ts\`, then \`npm run bench -- --pages\`):`;

const SOURCE = `From a public transcript of pusher.com/channels/pricing dated 2026-05-08 (github.com/api-evangelist/pusher, \`plans/\`), looked
up on 2026-11-24. Pusher's own page could not be reached then, so check it before you budget.`;
