/**
 * The dialog of an act: shows how many tasks it is about and which, does it in batches, and says what became of it. The browser
 * keeps the focus inside a modal dialog, and closes it on Escape.
 *
 * Whoever closes it while it works stops it after the batch that is under way. After a failure it can be tried again: a new
 * preview then shows what is left.
 */

import { setAttribute, setHidden, setText } from '../../../client/element/dom/dom.ts';
import { ENGLISH } from '../../../client/headless/words/wording.ts';
import type { Act, ActPreview, ActTarget } from '../../../core/operator/acts.ts';
import type { Api } from '../api.ts';
import { box, button, own, text } from '../dom/elements.ts';
import { ACT, confirmWords, doneWords, number, previewWords, REFUSALS, stoppedWords } from '../words/words.ts';
import { carryOut, NOTHING_DONE, type Total } from './batches.ts';

/** The time between two texts about how far it is, in milliseconds: a screen reader says each of them. */
const TOLD_EVERY = 2_000;

export interface ActDialogOptions {
  readonly api: Pick<Api, 'preview' | 'act'>;
  readonly act: Act;
  readonly target: ActTarget;
  /** Called after each batch, and with a sentence when all is done or the dialog was closed before. */
  readonly onDone: (sentence: string | null) => void;
  /** Called when the dialog has closed. */
  readonly onClose: () => void;
}

/** Opens it. */
export function openActDialog({ api, act, target, onDone, onClose }: ActDialogOptions): void {
  const owner = 'owner' in target ? target.owner : null;
  const heading = text('h2', ACT[act]);
  heading.id = 'act-heading';
  const message = text('p', '');
  const bar = box('progress', '');
  const list = box('ul', '');
  const rest = text('p', '', 'muted');
  const typed = box('input', '');
  const check = box('label', '', text('span', 'Type the owner to erase:'), typed);
  const close = button('Back', () => dialog.close());
  const again = button('Look again', () => void showPreview(), 'primary');
  const confirm = button(ACT[act], () => void run(), act === 'retry' || act === 'resume' ? 'primary' : 'danger');
  const live = box('div', '', message);
  live.setAttribute('role', 'status');
  bar.setAttribute('aria-labelledby', heading.id);
  const tools = box('div', 'tools', close, again, confirm);
  const form = box('form', '', heading, live, bar, list, rest, check, tools);
  const dialog = box('dialog', '', form);
  dialog.setAttribute('aria-labelledby', heading.id);
  // A list that scrolls has to be within reach of the keyboard.
  list.tabIndex = 0;
  typed.autocomplete = 'off';
  let preview: ActPreview | undefined;
  let isRunning = false;
  let toldAt = Number.NEGATIVE_INFINITY;

  const isConfirmed = () => owner === null || typed.value === owner;
  const showConfirmed = () => setAttribute(confirm, 'aria-disabled', String(!isConfirmed() || isRunning));
  typed.addEventListener('input', showConfirmed);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (preview) void run();
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    onClose();
  });

  /** Shows these parts beside the message and the button that closes, and hides the others. */
  function showOnly(...shown: readonly (HTMLElement | false)[]): void {
    for (const part of [bar, list, rest, check, again, confirm]) setHidden(part, !shown.includes(part));
  }

  /** Fetches which tasks the act is about, and shows them. */
  async function showPreview(): Promise<void> {
    close.focus();
    showOnly();
    setText(message, 'Looking which tasks these are…');
    try {
      preview = await api.preview({ act, target });
    } catch (error) {
      showFailure((error as Error).message);
      return;
    }
    const { count, isCountComplete, tasks: first } = preview;
    const isPossible = 'name' in target || count > 0 || owner !== null;
    const further = count - first.length;
    setText(message, previewWords(act, target, count, isCountComplete));
    list.replaceChildren(
      ...first.map(({ title, owner: whose }) => box('li', '', own(title), ' ', own(whose, 'muted'))),
    );
    setText(rest, `and ${number(further)} more${isCountComplete ? '' : ' at least'}`);
    setText(confirm, confirmWords(act, count));
    showOnly(first.length > 0 && list, further > 0 && rest, owner !== null && check, isPossible && confirm);
    showConfirmed();
    if (owner !== null) typed.focus();
    else if (isPossible) confirm.focus();
  }

  async function run(): Promise<void> {
    if (!preview || isRunning || !isConfirmed()) return;
    const { token } = preview;
    isRunning = true;
    showConfirmed();
    let total = NOTHING_DONE;
    try {
      for await (const batch of carryOut(api, act, token)) {
        total = batch.total;
        onDone(null);
        if (!batch.hasMore) showEnd(total);
        else if (dialog.open) showProgress(total, preview);
        else {
          onDone(stoppedWords(act, target, total));
          return;
        }
      }
    } catch (error) {
      const before = total.done > 0 ? `${stoppedWords(act, target, total)} ` : '';
      showFailure(`${before}${(error as Error).message}`);
    } finally {
      isRunning = false;
    }
  }

  function showProgress({ done, refused }: Total, { count, isCountComplete }: ActPreview): void {
    if (isCountComplete) {
      bar.max = Math.max(count, done + refused);
      bar.value = done + refused;
    }
    setHidden(bar, false);
    setText(close, 'Stop');
    if (performance.now() - toldAt < TOLD_EVERY) return;
    toldAt = performance.now();
    setText(message, `${number(done + refused)}${isCountComplete ? ` of ${number(bar.max)}` : ' so far'}…`);
  }

  function showEnd(total: Total): void {
    const sentence = doneWords(act, target, total);
    onDone(sentence);
    if (total.refused === 0) {
      dialog.close();
      return;
    }
    setText(message, sentence);
    list.replaceChildren(
      ...total.refusals.map(({ id, code, detail }) => text('li', `${id}: ${REFUSALS[code] ?? detail}`)),
    );
    close.focus();
    showOnly(total.refusals.length > 0 && list);
    setText(close, ENGLISH.close);
  }

  function showFailure(sentence: string): void {
    setText(message, sentence);
    setText(close, 'Back');
    close.focus();
    showOnly(again);
    again.focus();
  }

  document.body.append(dialog);
  dialog.showModal();
  void showPreview();
}
