/**
 * The progress bar of a row. Moves by itself between two messages: it is told where it will stand and when, and the
 * browser moves it there, on every frame, without any script. Bars out of view and hidden pages cost nothing that way.
 */

import type { RowView } from '../../headless/words/describe.ts';
import { make, setAttribute } from '../dom/dom.ts';

/** Assistive technology hears of progress at most this often, in milliseconds. */
const ARIA_EVERY = 500;
/** How long a bar takes to where it is to be now, in milliseconds; and where there is more to do than was thought. */
const STEP = 250;
const STEP_BACK = 1_500;
/** A bar goes back only by more than this share of it: where there is more to do. Else it waits until the truth has come. */
const LEAP = 0.03;
/** Less than this share of the bar cannot be seen. */
const SAME = 0.001;
/** Two times that differ by less, in milliseconds, are the same moment: clocks of page and server are estimated. */
const SAME_MOMENT = 100;

/** How a bar moves: a step to where it is to be, then on to where it will be. Shares of the bar, and our clock in ms. */
interface Move {
  readonly from: number;
  /** Where it is after the step. */
  readonly via: number;
  readonly to: number;
  readonly startedAt: number;
  readonly stepMs: number;
  /** How long all of it takes. */
  readonly ms: number;
}

const EMPTY: Move = { from: 0, via: 0, to: 0, startedAt: 0, stepMs: 0, ms: 0 };

export class RowBar {
  readonly #fill = make('div', { part: 'fill' });
  readonly element = make('div', { part: 'bar', role: 'progressbar' }, this.#fill);
  #move = EMPTY;
  #animation: Animation | undefined;
  /** Our clock in milliseconds. */
  #ariaAt = -Infinity;

  /** @param label what the bar is about; @param now our clock in milliseconds */
  show(bar: NonNullable<RowView['bar']>, label: string, now: number): void {
    const { fraction, text } = bar;
    setAttribute(this.element, 'data-unknown', fraction === null ? '' : null);
    this.#start(fraction === null ? EMPTY : plan(this.#move, fraction, bar.movesTo, now));
    if (now - this.#ariaAt < ARIA_EVERY) return;
    this.#ariaAt = now;
    setAttribute(this.element, 'aria-label', label);
    setAttribute(this.element, 'aria-valuenow', fraction === null ? null : String(Math.floor(fraction * 100)));
    setAttribute(this.element, 'aria-valuetext', text);
  }

  #start(move: Move): void {
    if (move === this.#move) return;
    this.#move = move;
    this.#animation?.cancel();
    const { from, via, to, stepMs, ms } = move;
    // Where it stands after the animation. Through the object model: a strict content policy refuses style attributes.
    this.#fill.style.transform = move === EMPTY ? '' : scale(to);
    if (from === to || isReduced()) return;
    const frames = [
      { transform: scale(from) },
      { transform: scale(via), offset: stepMs / ms },
      { transform: scale(to) },
    ];
    this.#animation = this.#fill.animate(frames, ms);
  }
}

/** The move to make at `now`; `before` itself where that goes on. */
function plan(before: Move, wanted: number, movesTo: NonNullable<RowView['bar']>['movesTo'], now: number): Move {
  // A bar that was not there before begins where it is to be.
  const from = before === EMPTY ? wanted : placeAt(before, now);
  const fraction = wanted > from - LEAP ? Math.max(wanted, from) : wanted;
  const goal = (!isReduced() && movesTo) || { fraction, inMs: 0 };
  const to = Math.max(goal.fraction, fraction);
  const { inMs } = goal;
  const isOnItsWay =
    before !== EMPTY &&
    Math.abs(to - before.to) < SAME &&
    Math.abs(fraction - from) < SAME &&
    (inMs === 0 || Math.abs(now + inMs - before.startedAt - before.ms) < SAME_MOMENT);
  if (isOnItsWay) return before;
  const stepMs = fraction < from ? STEP_BACK : STEP;
  const ms = Math.max(inMs, stepMs);
  return { from, via: fraction + ((to - fraction) * stepMs) / ms, to, startedAt: now, stepMs, ms };
}

/** Where a bar is at `now`, from 0 to 1. */
function placeAt({ from, via, to, startedAt, stepMs, ms }: Move, now: number): number {
  const passed = now - startedAt;
  if (passed >= ms) return to;
  return passed < stepMs
    ? from + ((via - from) * passed) / stepMs
    : via + ((to - via) * (passed - stepMs)) / (ms - stepMs);
}

function isReduced(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

function scale(fraction: number): string {
  return `scaleX(${fraction.toFixed(3)})`;
}
