/** The elements of the tray that are there from the start: button, panel, banner, and the live region. */

import type { OutcomeSnapshot } from '../../../core/tasks/snapshot.ts';
import { formatNumber, type Wording } from '../../headless/words/wording.ts';
import { make, setAttribute, setHidden, setText } from './dom.ts';
import { makeCloseButton, makeIcon } from './icons.ts';
import { addStyles } from './styles.ts';

interface GroupElements {
  readonly title: HTMLElement;
  readonly list: HTMLElement;
  readonly section: HTMLElement;
}

export interface TrayElements {
  readonly root: ShadowRoot;
  readonly button: HTMLButtonElement;
  readonly panel: HTMLElement;
  readonly close: HTMLButtonElement;
  readonly banner: HTMLElement;
  /** The part of the panel that scrolls. */
  readonly body: HTMLElement;
  readonly groups: Readonly<Record<'active' | 'unseen' | 'recent', GroupElements>>;
  readonly empty: HTMLElement;
  readonly more: HTMLButtonElement;
  /** The button that removes the outcomes that the user has seen. */
  readonly clear: HTMLButtonElement;
  /** The live region, polite. Screen readers announce only what changes in a region that was there before. */
  readonly live: HTMLElement;
  /** Sets the words that do not depend on tasks. */
  label(wording: Wording): void;
  /** Sets the number on the button, the button's name, and whether it is expanded. */
  showCounts(wording: Wording, active: number, unseen: readonly OutcomeSnapshot[]): void;
}

/** Fills `root`. Texts are empty until `label` is called, the count until `showCounts`. */
export function createTrayElements(root: ShadowRoot): TrayElements {
  addStyles(root);
  // The button is named by its content. Voice control finds a button by its visible text, which an `aria-label` would have
  // to repeat.
  const name = make('span', { class: 'sr' });
  const buttonText = make('span', { 'aria-hidden': 'true' });
  const count = make('span', { part: 'count', 'aria-hidden': 'true' });
  const button = make(
    'button',
    { part: 'button', 'aria-expanded': 'false', 'aria-controls': 'panel' },
    makeIcon('tray'),
    name,
    buttonText,
    count,
  );
  const heading = make('h2', { id: 'heading' });
  const close = makeCloseButton({ part: 'close' });
  const banner = make('p', { part: 'banner', hidden: '' });
  const empty = make('p', { part: 'empty' });
  const more = make('button', { part: 'more' });
  const group = (id: string): GroupElements => {
    const title = make('h3', { id, part: 'heading' });
    const list = make('div', { part: 'list', role: 'list', 'aria-labelledby': id });
    return { title, list, section: make('section', { part: 'group', hidden: '' }, title, list) };
  };
  const active = group('active');
  const unseen = group('unseen');
  const recent = group('recent');
  const clear = recent.section.appendChild(make('button', { class: 'more', part: 'clear' }));
  const body = make('div', { part: 'body' }, empty, active.section, unseen.section, recent.section, more);
  const panel = make(
    'section',
    { part: 'panel', id: 'panel', 'aria-labelledby': 'heading', hidden: '' },
    make('div', { part: 'head' }, heading, close),
    banner,
    body,
  );
  const live = make('div', { class: 'sr', role: 'status', 'aria-live': 'polite' });
  root.append(button, panel, live);

  return {
    root,
    button,
    panel,
    close,
    banner,
    body,
    empty,
    more,
    clear,
    live,
    groups: { active, unseen, recent },
    label(wording) {
      setText(buttonText, wording.tasks);
      setText(heading, wording.tasks);
      setText(active.title, wording.groupActive);
      setText(unseen.title, wording.groupUnseen);
      setText(recent.title, wording.groupRecent);
      setText(empty, wording.empty);
      setText(more, wording.more);
      setText(clear, wording.clear);
      setAttribute(close, 'aria-label', wording.close);
    },
    showCounts(wording, activeCount, outcomes) {
      // Outcomes that were seen stay in the group until the panel closes, but they do not count.
      const fresh = outcomes.filter((task) => !task.seenAt);
      const shown = fresh.length || activeCount;
      const hasFailure = fresh.some((task) => task.status === 'failed');
      const kind = hasFailure ? 'bad' : fresh.length > 0 ? 'unseen' : 'active';
      setText(count, formatNumber(shown, wording.locale));
      setAttribute(count, 'data-kind', kind);
      setHidden(count, !shown);
      setText(name, wording.button(activeCount, fresh.length));
      setAttribute(button, 'aria-expanded', String(!panel.hidden));
    },
  };
}
