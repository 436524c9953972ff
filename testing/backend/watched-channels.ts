/** Notes which channels have a page open, as `backend/store/watched-mark.ts` does in Redis. It serves the memory backend. */

import type { WebhookAnswer } from '../../backend/store/commands/owner/note-webhook.ts';
import { MAX_WEBHOOK_AGE_MS, MAX_WEBHOOK_AHEAD_MS } from '../../backend/store/watched-mark.ts';

interface Mark {
  owner: string;
  openedAt: number | null;
  vacatedAt: number | null;
}

export class WatchedChannels {
  readonly #now: () => number;
  readonly #hasActive: (owner: string) => boolean;
  readonly #marks = new Map<string, Mark>();

  /** @param hasActive whether the owner has tasks that are not finished */
  constructor(now: () => number, hasActive: (owner: string) => boolean) {
    this.#now = now;
    this.#hasActive = hasActive;
  }

  /** False only if the channel is known to be vacant: a page that we do not know of must not miss anything. */
  isWatched(channel: string): boolean {
    const { openedAt = null, vacatedAt = null } = this.#marks.get(channel) ?? {};
    return vacatedAt === null || (openedAt !== null && vacatedAt <= openedAt);
  }

  /**
   * Notes that a page enters the channel now. `owner`: whose channel it is; null if only the channel is known. Then a channel
   * without a mark gets none.
   */
  async noteWatched(channel: string, owner: string | null = null): Promise<void> {
    const mark = this.#marks.get(channel) ?? (owner === null ? null : { owner, openedAt: null, vacatedAt: null });
    if (mark === null) return;
    this.#marks.set(channel, { ...mark, owner: owner ?? mark.owner, openedAt: this.#now() });
  }

  /** Notes what a webhook says about the channel. @param at when it happened, in ms since 1970 by the bus's clock */
  async noteWebhook(channel: string, event: 'opened' | 'vacated', at: number): Promise<WebhookAnswer> {
    const mark = this.#marks.get(channel);
    if (!mark) return 'unknown';
    const now = this.#now();
    if (at > now + MAX_WEBHOOK_AHEAD_MS || at < now - MAX_WEBHOOK_AGE_MS) return 'unbelieved';
    const field = event === 'opened' ? 'openedAt' : 'vacatedAt';
    const time = Math.floor(Math.min(at, now));
    if ((mark[field] ?? -1) >= time) return 'noted';
    mark[field] = time;
    return event === 'vacated' && time > (mark.openedAt ?? 0) && this.#hasActive(mark.owner) ? 'vacated' : 'noted';
  }
}
