// Takes screenshots of a page one after the other, until something is visible or a time is over. For the animations in the documents.
import { setTimeout as delay } from 'node:timers/promises';
import type { Locator, Page } from 'playwright-core';
import { CommandError } from '../../cli/command-error.ts';
import type { Frame } from './picture-files.ts';

/** How long a film waits for something to appear, unless it says otherwise. */
const MAX_WAIT_MS = 60_000;

/** A recording of one page. */
export class Film {
  readonly frames: Frame[] = [];
  readonly #page: Page;
  readonly #frameMs: number;
  readonly #prepare: () => Promise<void>;

  /**
   * @param frameMs milliseconds from one frame to the next; a slow machine needs more
   * @param prepare called before each frame
   */
  constructor(page: Page, frameMs: number, prepare: () => Promise<void> = async () => {}) {
    this.#page = page;
    this.#frameMs = frameMs;
    this.#prepare = prepare;
  }

  /** Takes frames for `ms` milliseconds. */
  async pause(ms: number): Promise<void> {
    for (const end = Date.now() + ms; Date.now() < end; ) await this.#take();
  }

  /** Takes frames until `scene` is visible. @throws CommandError when it is not after `limitMs` */
  async until(scene: Locator, limitMs = MAX_WAIT_MS): Promise<void> {
    for (const end = Date.now() + limitMs; !(await scene.isVisible()); ) {
      if (Date.now() > end) throw new CommandError(`Waited ${limitMs / 1000} s for ${scene}.`);
      await this.#take();
    }
    await this.#take();
  }

  async #take(): Promise<void> {
    const at = Date.now();
    await this.#prepare();
    this.frames.push({ png: await this.#page.screenshot(), at });
    await delay(Math.max(0, at + this.#frameMs - Date.now()));
  }
}
