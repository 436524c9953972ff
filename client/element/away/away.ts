/**
 * For users who look elsewhere: progress and outcome in the page's title and icon, and "Notify me when done". Loaded
 * when it is wanted (an attribute, an open panel), so that other pages do not pay for it.
 */

import type { Snapshot } from '../../../core/snapshot.ts';
import { isFinished } from '../../../core/snapshot.ts';
import type { TaskFeed } from '../../feed/task-feed.ts';
import { markPage } from '../../headless/page-mark.ts';
import type { Wording } from '../../headless/words/wording.ts';
import { NotifyButton } from './notify-button.ts';
import { PageMarker } from './page-marker.ts';

export class Away {
  readonly #host: HTMLElement;
  readonly #marker = new PageMarker();
  readonly #notify: NotifyButton;

  /** @param panel gets the button; @param onShow the user has clicked a notification */
  constructor(host: HTMLElement, panel: HTMLElement, onShow: () => void) {
    this.#host = host;
    this.#notify = new NotifyButton(panel, onShow);
  }

  /** Follows `feed`, or nothing any more: then the page looks as it did. */
  use(feed: TaskFeed | undefined): void {
    this.#notify.use(feed);
    if (feed) return;
    this.#marker.showTitle(null);
    this.#marker.showIcon(null);
  }

  /** Takes back what was said to another user. */
  forget(): void {
    this.#notify.forget();
    this.#notify.takeBack();
  }

  show(tasks: readonly Snapshot[], wording: Wording): void {
    if (document.visibilityState === 'visible') this.#notify.forget();
    const markIf = (attribute: string) => (this.#host.hasAttribute(attribute) ? markPage(tasks, wording) : null);
    this.#marker.showTitle(markIf('title-progress'));
    this.#marker.showIcon(markIf('favicon-progress'));
    this.#notify.show(
      wording,
      tasks.some((task) => !isFinished(task)),
    );
  }
}
