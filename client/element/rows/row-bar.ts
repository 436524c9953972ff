/**
 * The progress bar of a row. Moves by itself between two messages: it is told where it will stand and when, and the
 * browser moves it there, on every frame, without any script. A bar that is far out of view is not moved.
 */

import type { RowView } from '../../headless/words/describe.ts';
import { make, setAttribute } from '../dom/dom.ts';
import { ARIA_EVERY, BAR_LEAP, BAR_STEP, BAR_STEP_BACK, SAME_MOMENT, SAME_SHARE } from '../limits.ts';

type BarView = NonNullable<RowView['bar']>;

/** Where a bar is at a moment: share of the bar, time of the document's timeline in milliseconds. */
interface Point {
  readonly at: number;
  readonly share: number;
}

/** The way of a bar, at an even speed from point to point: where it stands, where it is after a step or a wait, where it ends. */
type Way = readonly [from: Point, via: Point, to: Point];

export interface RowBar {
  readonly element: HTMLElement;
  /** Shows `bar`. @param label what the bar is about; @param now in milliseconds, by the same clock at each call */
  show(bar: BarView, label: string, now: number): void;
}

/** A bar that shows nothing until `show` is called. */
export function createRowBar(): RowBar {
  const fill = make('div', { part: 'fill' });
  const element = make('div', { part: 'bar', role: 'progressbar' }, fill);
  /** Undefined while it is not known how full the bar is. */
  let shown: Way | undefined;
  let subjectBefore = '';
  let animation: Animation | undefined;
  /** The `now` of the call of `show` that last told assistive technology. */
  let ariaAt = -Infinity;

  function move({ fraction, movesTo, subject }: BarView): void {
    const before = shown;
    // The time of this frame, by the clock of animations.
    const now = document.timeline.currentTime as number;
    /** Where the bar should stand now. */
    const due = fraction ?? 0;
    /** Where it does stand now. A bar that was not there before stands where it should. */
    const from = before ? placeAt(before, now) : due;
    const isGoingBack = before && before[1].share < before[0].share && now < before[1].at;
    const mayGoBack = isGoingBack || (subject !== subjectBefore && from - due > BAR_LEAP);
    subjectBefore = subject;
    const wanted = mayGoBack ? due : Math.max(due, from);
    // Without an animation: the user wants less motion, or the row is out of view.
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches || element.closest('[data-far]');
    const way = fraction === null ? undefined : plan(from, wanted, isStill ? null : movesTo, now);
    const isOnItsWay = isGoingBack || wanted - from < SAME_SHARE;
    // The animation that runs may go on. One that was paused (`row-list.ts`) is out of date.
    if (before && way && isOnItsWay && isSameEnd(before, way) && animation?.playState !== 'paused') return;
    shown = way;
    animation?.cancel();
    // Where it stands after the animation. Through the object model: a strict content policy refuses style attributes.
    fill.style.transform = way ? scale(way[2]) : '';
    const ms = way && way[2].at - now;
    if (isStill || !ms) return;
    animation = fill.animate({ transform: way.map(scale), offset: [0, (way[1].at - now) / ms] }, ms);
    // Without this, the animation may start one frame later, and that frame would show where it ends.
    animation.startTime = now;
  }

  return {
    element,
    show(bar, label, now) {
      const { fraction, text } = bar;
      setAttribute(element, 'data-unknown', fraction === null ? '' : null);
      move(bar);
      if (now - ariaAt < ARIA_EVERY) return;
      ariaAt = now;
      setAttribute(element, 'aria-label', label);
      setAttribute(element, 'aria-valuenow', fraction === null ? null : String(Math.floor(fraction * 100)));
      setAttribute(element, 'aria-valuetext', text);
    },
  };
}

/** The way of a bar that stands at `from` now and is to be at `wanted`. */
function plan(from: number, wanted: number, movesTo: BarView['movesTo'], now: number): Way {
  const { fraction = 0, afterMs = 0, inMs = 0 } = movesTo ?? {};
  // First a step to `wanted`. A bar that stands there already waits instead, if it shows more than was reported.
  const stepMs = wanted === from ? afterMs : wanted < from ? BAR_STEP_BACK : BAR_STEP;
  const ms = Math.max(inMs, stepMs);
  const to = Math.max(fraction, wanted);
  const via = wanted === from ? from : wanted + ((to - wanted) * stepMs) / ms;
  return [
    { at: now, share: from },
    { at: now + stepMs, share: via },
    { at: now + ms, share: to },
  ];
}

/** Where a bar on that way is at `now`, from 0 to 1. */
function placeAt([from, via, to]: Way, now: number): number {
  if (now >= to.at) return to.share;
  const [start, end] = now < via.at ? [from, via] : [via, to];
  return start.share + ((end.share - start.share) * (now - start.at)) / (end.at - start.at);
}

/** Whether both ways end at the same place, and at the same time unless they are there already. */
function isSameEnd([, , end]: Way, [from, , to]: Way): boolean {
  const isThere = to.share - from.share < SAME_SHARE;
  return Math.abs(end.share - to.share) < SAME_SHARE && (isThere || Math.abs(end.at - to.at) < SAME_MOMENT);
}

function scale({ share }: Point): string {
  return `scaleX(${share.toFixed(5)})`;
}
