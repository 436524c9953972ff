/**
 * The dialog of an act: shows how many tasks it is about and which, does it in batches, and says what became of it. The browser
 * keeps the focus inside a modal dialog, and closes it on Escape.
 */

import { setAttribute, setHidden, setText } from '../../../client/element/dom/dom.ts';
import { ENGLISH } from '../../../client/headless/words/wording.ts';
import type { Act, ActPreview, ActResult, ActTarget } from '../../../core/operator-api.ts';
import type { Api } from '../api.ts';
import { box, button, own, text } from '../dom/elements.ts';
import { ACT, confirmWords, doneWords, number, previewWords, REFUSALS, tasks } from '../words/words.ts';

export interface ActDialogOptions {
  readonly api: Pick<Api, 'preview' | 'act'>;
  readonly act: Act;
  readonly target: ActTarget;
  /** Called after each batch, and with a sentence when all is done. */
  readonly onDone: (sentence: string | null) => void;
  /** Called when the dialog has closed. */
  readonly onClose: () => void;
}

type Total = Pick<ActResult, 'done' | 'refused' | 'refusals'>;

/** Opens it. */
export function openActDialog({ api, act, target, onDone, onClose }: ActDialogOptions): void {
  const heading = text('h2', ACT[act]);
  heading.id = 'act-heading';
  const message = text('p', 'Looking which tasks these are…');
  const list = box('ul', '');
  const rest = text('p', '', 'muted');
  const typed = box('input', '');
  const check = box('label', '', text('span', 'Type the owner to erase:'), typed);
  const close = button(ENGLISH.close, () => dialog.close());
  const confirm = button(ACT[act], () => void run(), act === 'retry' || act === 'resume' ? 'primary' : 'danger');
  const live = box('div', '', message);
  live.setAttribute('role', 'status');
  const form = box('form', '', heading, live, list, rest, check, box('div', 'tools', close, confirm));
  const dialog = box('dialog', '', form);
  dialog.setAttribute('aria-labelledby', heading.id);
  let preview: ActPreview | undefined;
  let isRunning = false;
  typed.autocomplete = 'off';
  close.textContent = 'Back';
  for (const element of [list, rest, check, confirm]) setHidden(element, true);

  const owner = 'owner' in target ? target.owner : null;
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

  async function look(): Promise<void> {
    try {
      preview = await api.preview({ act, target });
    } catch (error) {
      setText(message, (error as Error).message);
      return;
    }
    const { count, isCountComplete, tasks: first } = preview;
    const isAboutTasks = !('name' in target);
    setText(message, previewWords(act, target, count, isCountComplete));
    list.append(...first.map(({ title, owner: whose }) => box('li', '', own(title), ' ', own(whose, 'muted'))));
    // A list that scrolls has to be within reach of the keyboard.
    list.tabIndex = 0;
    setHidden(list, first.length === 0);
    if (count > first.length)
      setText(rest, `and ${number(count - first.length)} more${isCountComplete ? '' : ' at least'}`);
    setHidden(rest, count <= first.length || !isAboutTasks);
    setText(confirm, confirmWords(act, count));
    setHidden(check, owner === null);
    setHidden(confirm, isAboutTasks && count === 0 && owner === null);
    showConfirmed();
    if (owner !== null) typed.focus();
    else if (!confirm.hidden) confirm.focus();
  }

  async function run(): Promise<void> {
    if (!preview || isRunning || !isConfirmed()) return;
    isRunning = true;
    showConfirmed();
    let total: Total = { done: 0, refused: 0, refusals: [] };
    try {
      for (let token: string | null = preview.token; token !== null; ) {
        const result: ActResult = await api.act({ act, token });
        total = {
          done: total.done + result.done,
          refused: total.refused + result.refused,
          refusals: [...total.refusals, ...result.refusals].slice(0, 20),
        };
        token = result.next;
        onDone(null);
        // Whoever closes the dialog stops it after this batch.
        if (!dialog.open) break;
        if (token !== null) setText(message, `${tasks(total.done)} so far…`);
      }
      finish(total);
    } catch (error) {
      setText(
        message,
        `${total.done ? `${doneWords(act, target, total.done, total.refused)} ` : ''}${(error as Error).message}`,
      );
      finishForm();
    }
  }

  function finish(total: Total): void {
    const sentence = doneWords(act, target, total.done, total.refused);
    onDone(sentence);
    if (total.refused === 0) {
      dialog.close();
      return;
    }
    setText(message, sentence);
    list.replaceChildren(
      ...total.refusals.map(({ id, code, detail }) => text('li', `${id}: ${REFUSALS[code] ?? detail}`)),
    );
    setHidden(list, total.refusals.length === 0);
    finishForm();
  }

  function finishForm(): void {
    for (const element of [rest, check, confirm]) setHidden(element, true);
    setText(close, ENGLISH.close);
    close.focus();
  }

  document.body.append(dialog);
  dialog.showModal();
  close.focus();
  void look();
}
