/**
 * The dialog of an act. It shows how many tasks the act is about and which, carries the act out in steps, and says what became of
 * it. The browser keeps the focus inside a modal dialog, and closes it on Escape.
 *
 * Closing the dialog stops an act after the step that is under way. After a failure the operator can try again; a new preview then
 * shows what is left.
 */

import { setAttribute, setHidden, setText } from '../../../client/element/dom/dom.ts';
import { ENGLISH } from '../../../client/headless/words/wording.ts';
import type { Act, ActPreview, ActTarget } from '../../../core/operator/acts.ts';
import type { Api } from '../api.ts';
import { box, button, text, userText } from '../dom/elements.ts';
import { ACT, confirmWords, doneWords, formatNumber, previewWords, REFUSALS, stoppedWords } from '../words/words.ts';
import { carryOut, NOTHING_DONE, type Total } from './act-steps.ts';

/** The shortest time between two texts that say how far the act is. A screen reader reads each of them out. */
const TELL_EVERY_MS = 2_000;

export interface ActDialogOptions {
  readonly api: Pick<Api, 'preview' | 'act'>;
  readonly act: Act;
  readonly target: ActTarget;
  /** Called with null after each step, and with a sentence about what was done when all is done or the operator has stopped it. */
  readonly onDone: (sentence: string | null) => void;
  /** Called when the dialog has closed. */
  readonly onClose: () => void;
}

/** Opens the dialog. */
export function openActDialog({ api, act, target, onDone, onClose }: ActDialogOptions): void {
  const owner = 'owner' in target ? target.owner : null;
  const parts = createParts(act, { onAgain: () => void showPreview(), onConfirm: () => void run() });
  const { dialog, form, message, bar, list, rest, typed, check, close, again, confirm } = parts;
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

  /** Shows these parts, and hides the others. The heading, the message and the button that closes are always there. */
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
      ...first.map(({ title, owner: whose }) => box('li', '', userText(title), ' ', userText(whose, 'muted'))),
    );
    setText(rest, `and ${formatNumber(further)} more${isCountComplete ? '' : ' at least'}`);
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
      for await (const step of carryOut(api, act, token)) {
        total = step.total;
        onDone(null);
        if (!step.hasMore) showEnd(total);
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
    if (performance.now() - toldAt < TELL_EVERY_MS) return;
    toldAt = performance.now();
    setText(message, `${formatNumber(done + refused)}${isCountComplete ? ` of ${formatNumber(bar.max)}` : ' so far'}…`);
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

/** Makes the elements of the dialog. The owner has to be typed into `typed`, which `check` labels. */
function createParts(
  act: Act,
  { onAgain, onConfirm }: { readonly onAgain: () => void; readonly onConfirm: () => void },
) {
  const heading = text('h2', ACT[act]);
  heading.id = 'act-heading';
  const message = text('p', '');
  const live = box('div', '', message);
  live.setAttribute('role', 'status');
  const bar = box('progress', '');
  bar.setAttribute('aria-labelledby', heading.id);
  const list = box('ul', '');
  // With the focus on it, the list can be scrolled by the keyboard.
  list.tabIndex = 0;
  const rest = text('p', '', 'muted');
  const typed = box('input', '');
  typed.autocomplete = 'off';
  const check = box('label', '', text('span', 'Type the owner to erase:'), typed);
  const close = button('Back', () => dialog.close());
  const again = button('Look again', onAgain, 'primary');
  const confirm = button(ACT[act], onConfirm, act === 'retry' || act === 'resume' ? 'primary' : 'danger');
  const tools = box('div', 'tools', close, again, confirm);
  const form = box('form', '', heading, live, bar, list, rest, check, tools);
  const dialog = box('dialog', '', form);
  dialog.setAttribute('aria-labelledby', heading.id);
  return { dialog, form, message, bar, list, rest, typed, check, close, again, confirm };
}
