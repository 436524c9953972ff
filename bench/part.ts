// What a part of the bench is. `measure` measures and returns figures. `report` turns figures into text and targets. The two are
// separate, so that the documents can be written again from kept figures.
import type { Services } from './services.ts';

/** What `measure` is given. */
export interface Context {
  /** A Redis and a Soketi. `npm run bench` has one of each for all parts, `npm run load` has one for each part. */
  readonly services: Services;
  /** Whether to take fewer rounds and shorter loads. */
  readonly quick: boolean;
  /** Prints how far the part is. */
  log(line: string): void;
}

/** A target: the figure that is wanted, beside the measured one. */
export interface Target {
  readonly what: string;
  /** Measured and wanted, as text: `1.01`, `≤ 1.02`. */
  readonly measured: string;
  readonly wanted: string;
  readonly isMet: boolean;
}

/** What the documents say about a part. */
export interface Report {
  /** Markdown: tables and a few words. */
  readonly text: string;
  readonly targets: readonly Target[];
}

/** A part of the bench. `Raw` is the type of its figures, which must survive JSON. */
export interface Part<Raw> {
  /** Names it on the command line. */
  readonly name: string;
  /** The heading of its section. */
  readonly title: string;
  measure(context: Context): Promise<Raw>;
  /** @param raw the figures that `measure` returned, read back from JSON */
  report(raw: Raw): Report;
}

/** Defines a part. Inside, it knows the type of its figures; for everybody else they are JSON of unknown type. */
export function definePart<Raw>(part: Part<Raw>): Part<unknown> {
  return part as Part<unknown>;
}

/** A number with three significant digits. */
const rounded = (value: number) => String(Number(value.toPrecision(3)));

/** A target: `measured` should be at most `most`. */
export function atMost(what: string, measured: number, most: number, unit = ''): Target {
  return { what, measured: rounded(measured) + unit, wanted: `≤ ${most}${unit}`, isMet: measured <= most };
}

/** A target: `measured` should be at least `least`. */
export function atLeast(what: string, measured: number, least: number, unit = ''): Target {
  return { what, measured: rounded(measured) + unit, wanted: `≥ ${least}${unit}`, isMet: measured >= least };
}

/** A target that neither `atMost` nor `atLeast` can say, for example one that compares two figures. */
export function holds(what: string, measured: string, wanted: string, isMet: boolean): Target {
  return { what, measured, wanted, isMet };
}
