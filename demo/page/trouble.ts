/** The card "Make trouble": breaks parts of the stack for real. The page shows it only if the server offers trouble. */

import { endTrouble, makeTrouble, readTrouble, sleepSync, type TroubleReport } from './api.ts';
import { find, runFrom } from './elements.ts';
import { OFFERS, type Offer, SLEEPS } from './trouble-offers.ts';

/** Connects the card's elements to their actions. The caller shows the card only if the server offers trouble. */
export function setUpTrouble(): void {
  const card = find('trouble', HTMLDetailsElement);
  const status = find('trouble-status', HTMLParagraphElement);
  const endButton = find('trouble-end', HTMLButtonElement);
  const choice = createSleepChoice();
  const items = OFFERS.map((offer) => ({ offer, ...createItem(offer, offer.kind === 'sleep' ? [choice] : []) }));
  /** By kind of trouble: when it ends, in milliseconds since 1970. */
  const endsAt = new Map<string, number>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const announce = (note: HTMLParagraphElement, words: string) => {
    note.textContent = words;
    // `note` stands beside the button. `status` is invisible, and read aloud by screen readers.
    status.textContent = words;
  };
  const show = ({ lasting }: TroubleReport) => {
    endsAt.clear();
    for (const { kind, leftMs } of lasting) endsAt.set(kind, Date.now() + leftMs);
    showTimeLeft();
  };
  const showTimeLeft = () => {
    clearTimeout(timer);
    for (const { offer, note } of items) {
      const left = Math.ceil(((endsAt.get(offer.kind) ?? 0) - Date.now()) / 1_000);
      if (left > 0) note.textContent = `${offer.begun()} ${left} s left.`;
      else if (endsAt.delete(offer.kind)) announce(note, `${offer.label}: that is over.`);
    }
    endButton.hidden = endsAt.size === 0;
    if (endsAt.size > 0) timer = setTimeout(showTimeLeft, 1_000);
  };

  /** Asks the server, because another tab may have made trouble. */
  const refresh = () => {
    if (card.open && document.visibilityState === 'visible') readTrouble().then(show, () => {});
  };
  const start = async ({ kind, begun }: Offer, note: HTMLParagraphElement) => {
    // The effect shows in the tray, and the click on this button has closed the tray, so open it again. On a small screen the
    // tray would cover this card, so leave it closed there.
    if (matchMedia('(min-width: 56rem)').matches) document.querySelector('inloop-tray')?.show();
    if (kind === 'sleep') return sleep(Number(choice.value), (words) => announce(note, words));
    const report = await makeTrouble(kind);
    announce(note, begun(report.pid));
    show(report);
  };

  endButton.addEventListener('click', () =>
    runFrom(endButton, async () => {
      const report = await endTrouble();
      for (const { offer, note } of items) if (endsAt.has(offer.kind)) note.textContent = '';
      show(report);
      status.textContent = 'All of it is over.';
    }),
  );
  for (const { offer, button, note } of items) {
    button.addEventListener('click', () => runFrom(button, () => start(offer, note)));
  }
  find('troubles', HTMLUListElement).append(...items.map(({ item }) => item));
  card.addEventListener('toggle', refresh);
  document.addEventListener('visibilitychange', refresh);
}

/** Lets this tab stand still for `seconds`, and says so before and after. */
async function sleep(seconds: number, announce: (words: string) => void): Promise<void> {
  announce('This tab is asleep.');
  // Wait for a frame that shows these words: the tab draws nothing while it sleeps.
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  const from = Date.now();
  try {
    sleepSync(seconds);
  } catch (error) {
    announce('');
    throw error;
  }
  announce(`Awake again: this tab stood still for ${Math.round((Date.now() - from) / 1_000)} seconds.`);
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
  const watchLabel = document.createElement('strong');
  watchLabel.textContent = 'Watch: ';
  text.append(`${does} `, watchLabel, watch);
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
