/** The card "Make trouble": breaks parts of the stack for real. The page shows it only if the server offers trouble. */

import { endTrouble, makeTrouble, readTrouble, sleepSync, type TroubleKind, type TroubleReport } from './api.ts';
import { find, runFrom } from './elements.ts';

interface Offer {
  /** `sleep` stops this tab; every other kind breaks a part of the stack. */
  readonly kind: TroubleKind | 'sleep';
  readonly label: string;
  /** Says what the button does. */
  readonly does: string;
  /** Says what to look for in the tray. */
  readonly watch: string;
  /** Says that the trouble has begun. */
  begun(pid?: number): string;
}

const OFFERS: readonly Offer[] = [
  {
    kind: 'kill-worker',
    label: 'Kill the worker',
    does: 'Ends it with SIGKILL, in the middle of its work. Another one starts by itself.',
    watch: 'the import is tried again within 10 seconds, and no contact is there twice. It has three tries.',
    begun: (pid) => `The worker (process ${pid}) was killed. Another one is starting.`,
  },
  {
    kind: 'stop-soketi',
    label: 'Stop Soketi',
    does: 'The push server is down for 10 seconds.',
    watch: 'a quiet line in Tasks says that updates come late; the import goes on, in steps.',
    begun: () => 'Soketi is down.',
  },
  {
    kind: 'drop-connection',
    label: 'Drop the connection',
    does: 'Cuts all live connections, without a goodbye.',
    watch: 'hardly anything: within 2 seconds or so the page is live again.',
    begun: () => 'All live connections were cut.',
  },
  {
    kind: 'block-websockets',
    label: 'Block WebSockets',
    does: 'For a minute, Soketi refuses them to browsers, as some company networks do.',
    watch: 'updates come in steps at first; after half a minute or so the page is live again, over plain HTTP.',
    begun: () => 'WebSockets are refused.',
  },
  {
    kind: 'lose-messages',
    label: 'Lose messages',
    does: 'For 30 seconds, Soketi sends no news of tasks, and looks healthy.',
    watch: 'the bar stands still. After 15 seconds of silence the page asks by itself.',
    begun: () => 'Messages are being lost.',
  },
  {
    kind: 'double-messages',
    label: 'Double messages',
    does: 'For 30 seconds, each comes twice: the second time late, after newer ones.',
    watch: 'nothing. The bar never goes back, and you are told once.',
    begun: () => 'Messages come twice.',
  },
  {
    kind: 'sleep',
    label: 'Sleep',
    does: 'This tab really stands still, like a computer whose lid is closed: no timer runs, nothing arrives, and its connection is gone. If your browser offers to close it, wait; another tab can wake it.',
    watch: 'it catches up when it wakes.',
    begun: () => 'A tab is asleep.',
  },
];

const SLEEPS = [
  { seconds: 20, label: 'for 20 seconds' },
  { seconds: 120, label: 'for 2 minutes' },
  { seconds: 600, label: 'for 10 minutes' },
] as const;

/** Connects the card's elements to their actions. The caller shows the card only if the server offers trouble. */
export function setUpTrouble(): void {
  const card = find('trouble', HTMLDetailsElement);
  const status = find('trouble-status', HTMLParagraphElement);
  const endButton = find('trouble-end', HTMLButtonElement);
  const choice = createSleepChoice();
  const items = OFFERS.map((offer) => ({ offer, ...createItem(offer, offer.kind === 'sleep' ? [choice] : []) }));
  /** By kind of trouble: when it ends, in milliseconds since 1970. */
  const until = new Map<string, number>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const say = (note: HTMLParagraphElement, words: string) => {
    note.textContent = words;
    // `note` stands beside the button. `status` is invisible, and read aloud by screen readers.
    status.textContent = words;
  };
  const show = ({ lasting }: TroubleReport) => {
    until.clear();
    for (const { kind, leftMs } of lasting) until.set(kind, Date.now() + leftMs);
    tick();
  };
  const tick = () => {
    clearTimeout(timer);
    for (const { offer, note } of items) {
      const left = Math.ceil(((until.get(offer.kind) ?? 0) - Date.now()) / 1_000);
      if (left > 0) note.textContent = `${offer.begun()} ${left} s left.`;
      else if (until.delete(offer.kind)) say(note, `${offer.label}: that is over.`);
    }
    endButton.hidden = until.size === 0;
    if (until.size > 0) timer = setTimeout(tick, 1_000);
  };

  /** Asks the server, because another tab may have made trouble. */
  const look = () => {
    if (card.open && document.visibilityState === 'visible') readTrouble().then(show, () => {});
  };
  const make = async ({ kind, begun }: Offer, note: HTMLParagraphElement) => {
    // The effect shows in the tray, and the click on this button has closed the tray, so open it again. On a small screen the
    // tray would cover this card, so leave it closed there.
    if (matchMedia('(min-width: 56rem)').matches) document.querySelector('inloop-tray')?.show();
    if (kind === 'sleep') {
      say(note, 'This tab is asleep.');
      // Wait for a frame that shows these words: the tab draws nothing while it sleeps.
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      const from = Date.now();
      try {
        sleepSync(Number(choice.value));
      } catch (error) {
        say(note, '');
        throw error;
      }
      say(note, `Awake again: this tab stood still for ${Math.round((Date.now() - from) / 1_000)} seconds.`);
      return;
    }
    const report = await makeTrouble(kind);
    say(note, begun(report.pid));
    show(report);
  };

  endButton.addEventListener('click', () =>
    runFrom(endButton, async () => {
      const report = await endTrouble();
      for (const { offer, note } of items) if (until.has(offer.kind)) note.textContent = '';
      show(report);
      status.textContent = 'All of it is over.';
    }),
  );
  for (const { offer, button, note } of items) {
    button.addEventListener('click', () => runFrom(button, () => make(offer, note)));
  }
  find('troubles', HTMLUListElement).append(...items.map(({ item }) => item));
  card.addEventListener('toggle', look);
  document.addEventListener('visibilitychange', look);
}

function createItem({ kind, label, does, watch }: Offer, beside: readonly HTMLElement[]) {
  const item = document.createElement('li');
  const row = document.createElement('div');
  row.className = 'row';
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = label;
  row.append(button, ...beside);
  const note = document.createElement('p');
  note.className = 'note';
  const text = document.createElement('p');
  text.id = `trouble-${kind}`;
  text.className = 'hint';
  const look = document.createElement('strong');
  look.textContent = 'Watch: ';
  text.append(`${does} `, look, watch);
  button.setAttribute('aria-describedby', text.id);
  item.append(row, note, text);
  return { item, button, note };
}

function createSleepChoice(): HTMLSelectElement {
  const choice = document.createElement('select');
  choice.setAttribute('aria-label', 'How long to sleep');
  choice.append(...SLEEPS.map(({ seconds, label }) => new Option(label, String(seconds))));
  return choice;
}
