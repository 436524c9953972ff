// What a part of the bench is: it measures, and it says what its figures mean. The first needs a machine, the second
// only the figures, so that pages can be written again from what was kept.
import type { World } from './world.ts';

export interface Context {
  /** Redis and Soketi, shared by all parts. */
  readonly world: World;
  /** A first look: fewer rounds, shorter loads. */
  readonly quick: boolean;
  /** Says how far it is. */
  log(line: string): void;
}

/** A figure that was promised. */
export interface Target {
  readonly what: string;
  /** As it was measured, and as it should be: `1.01`, `≤ 1.02`. */
  readonly measured: string;
  readonly wanted: string;
  readonly isMet: boolean;
}

export interface Report {
  /** Markdown: tables and a few words. */
  readonly text: string;
  readonly targets: readonly Target[];
}

export interface Part<Raw> {
  readonly name: string;
  readonly title: string;
  measure(context: Context): Promise<Raw>;
  /** @param raw what `measure` gave, read back from JSON */
  report(raw: Raw): Report;
}

/** Keeps the type of the figures inside a part: outside they are JSON. */
export function definePart<Raw>(part: Part<Raw>): Part<unknown> {
  return part as Part<unknown>;
}

const ROUNDED = (value: number) => String(Number(value.toPrecision(3)));

/** A figure that should be at most so much. */
export function atMost(what: string, measured: number, most: number, unit = ''): Target {
  return { what, measured: ROUNDED(measured) + unit, wanted: `≤ ${most}${unit}`, isMet: measured <= most };
}

/** A figure that should be at least so much. */
export function atLeast(what: string, measured: number, least: number, unit = ''): Target {
  return { what, measured: ROUNDED(measured) + unit, wanted: `≥ ${least}${unit}`, isMet: measured >= least };
}

/** Something that should be so. */
export function holds(what: string, measured: string, wanted: string, isMet: boolean): Target {
  return { what, measured, wanted, isMet };
}
