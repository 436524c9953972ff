// Bars that move by themselves between two messages, in a real Chromium: as a user sees them, frame by frame.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import type { Progress, Snapshot } from '../../core/tasks/snapshot.ts';
import { type OpenOptions, TrayPages } from '../../test/support/browser/tray-page.ts';
import { eventually } from '../../test/support/eventually.ts';
import { ago, create, run } from '../test-support/all-statuses.ts';
import { evolve } from '../test-support/snapshots.ts';

const pages = new TrayPages();
let page: Page;

beforeAll(() => pages.start(), 60_000);
afterAll(() => pages.stop());
beforeEach(() => {
  page = pages.page;
});
afterEach(async () => {
  expect(await pages.close()).toEqual([]);
});

/** A running task whose last message left `seconds` ago. */
function moving(progress: Progress, seconds = 0): Snapshot {
  const started = evolve(create(1, 'Import', 60), { type: 'start', at: ago(50) });
  return evolve(started, { type: 'progress', at: ago(seconds), attempt: 1, progress });
}

const report = (task: Snapshot, progress: Progress) =>
  evolve(task, { type: 'progress', at: ago(0), attempt: 1, progress });

async function open(task: Snapshot, options?: OpenOptions): Promise<Locator> {
  const tray = await pages.open([task], options);
  page = pages.page;
  await tray.locator('[part=button]').click();
  await tray.locator('[part=fill]').waitFor();
  return tray;
}

/** How full the bar is on each frame of the next `ms`, from 0 to 1. */
function film(ms: number): Promise<number[]> {
  return page.evaluate(async (length) => {
    const tray = document.querySelector('inloop-tray') as HTMLElement;
    const fill = tray.shadowRoot?.querySelector('[part=fill]') as HTMLElement;
    const frames: number[] = [];
    const end = performance.now() + length;
    while (performance.now() < end) {
      frames.push(new DOMMatrix(getComputedStyle(fill).transform).a);
      await new Promise(requestAnimationFrame);
    }
    return frames;
  }, ms);
}

/** The count in words: "480 of 1,000". */
const countOf = async (tray: Locator) =>
  Number(/([\d,]+)\s+of/.exec(await tray.locator('[part=status]').innerText())?.[1]?.replace(',', ''));

const last = (frames: readonly number[]) => frames.at(-1) as number;
const neverGoesBack = (frames: readonly number[]) =>
  frames.every((share, index) => index === 0 || share >= (frames[index - 1] as number) - 0.0005);
/** Shares in how many frames the bar moved. */
const movedIn = (frames: readonly number[]) =>
  frames.filter((share, index) => index > 0 && share > (frames[index - 1] as number)).length / (frames.length - 1);

describe('a bar with a rate', () => {
  it('moves on every frame, and its count once a second, though no message comes', async () => {
    const tray = await open(moving({ done: 100, total: 1_000, rate: 50 }));
    const frames = await film(1_500);
    expect(neverGoesBack(frames)).toBe(true);
    // Where the machine is busy, a few frames come at the same time of the animation.
    expect(movedIn(frames)).toBeGreaterThan(0.8);
    expect(last(frames) - (frames[0] as number)).toBeGreaterThan(0.05);
    const before = await countOf(tray);
    await eventually(async () => expect(await countOf(tray)).toBeGreaterThan(before));
  });

  it('stands still 10 s after the last message, and says when the last sign of life was', async () => {
    const tray = await open(moving({ done: 100, total: 1_000, rate: 50 }, 9));
    await eventually(async () => expect(movedIn(await film(500))).toBe(0));
    expect(last(await film(100))).toBeCloseTo(0.6, 2);
    await eventually(async () => expect(await tray.locator('[part=task]').innerText()).toMatch(/last sign \d+ s ago/));
  });

  it('waits for the truth where it was ahead, and never goes back', async () => {
    const task = moving({ done: 100, total: 1_000, rate: 100 });
    await open(task);
    const before = await film(1_000);
    const filming = film(1_500);
    await pages.push(report(task, { done: 110, total: 1_000 }));
    const after = await filming;
    expect(neverGoesBack([...before, ...after])).toBe(true);
    await eventually(async () => expect(movedIn(await film(300))).toBe(0));
  });

  it('jumps ahead where the truth is, and goes on from there', async () => {
    const task = moving({ done: 100, total: 1_000, rate: 10 });
    await open(task);
    await pages.push(report(task, { done: 700, total: 1_000, rate: 10 }));
    await eventually(async () => expect(last(await film(50))).toBeGreaterThan(0.7));
    expect(movedIn(await film(500))).toBeGreaterThan(0.5);
  });

  it('is not moved by messages that come twice or in another order', async () => {
    const task = moving({ done: 100, total: 1_000, rate: 50 });
    const next = report(task, { done: 300, total: 1_000, rate: 50 });
    await open(task);
    await pages.push(next);
    await eventually(async () => expect(last(await film(50))).toBeGreaterThan(0.3));
    const filming = film(1_000);
    await pages.push(task);
    await pages.push(next);
    expect(neverGoesBack(await filming)).toBe(true);
  });

  it('goes in steps where the user wants little motion', async () => {
    await open(moving({ done: 100, total: 1_000, rate: 50 }), { context: { reducedMotion: 'reduce' } });
    const frames = await film(2_500);
    expect(movedIn(frames)).toBeLessThan(0.1);
    expect(last(frames)).toBeGreaterThan(frames[0] as number);
  });
});

it('a bar without a rate stands where the last message left it', async () => {
  await open(run(create(1, 'Import', 60), 50, { done: 100, total: 1_000 }));
  await eventually(async () => expect(last(await film(50))).toBeCloseTo(0.1, 3));
  expect(movedIn(await film(500))).toBe(0);
});

it('the title of the page moves on once a second', async () => {
  await open(moving({ done: 100, total: 1_000, rate: 20 }), { query: 'tray=title-progress' });
  const percent = async () => Number.parseInt(await page.title(), 10);
  await eventually(async () => expect(await percent()).toBeGreaterThanOrEqual(10));
  const first = await percent();
  await eventually(async () => expect(await percent()).toBeGreaterThan(first));
});
