/**
 * Keeps the values of strangers from becoming formulas in a spreadsheet. For the CSV that people download (write-csv.ts), and
 * for the import, which may get such a file back.
 *
 * A guard at the start of a value is not enough: not every program splits a CSV at the commas. Where the decimal separator is
 * a comma, Excel splits it at semicolons, and then `Ada;=1+1` becomes a name and a formula, even in quotation marks. So there is
 * an apostrophe before each formula that could begin a cell, wherever a program may split.
 */

/** What stands between two characters that some program takes for a separator, a line break or a quotation mark. */
const PIECE = /[^\t\n\r",;|]+/g;
/**
 * A piece that a spreadsheet runs: `=`, `+`, `-` or `@`, also in full width, after white space, which programs drop. Apostrophes in
 * front of it belong to the match: `'=1` becomes `''=1`, so that taking one away gives back what was there.
 */
const FORMULA = /^(\s*)('*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/;
const GUARDED = /^(\s*)'('*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/;

/** Puts an apostrophe before every formula in `value`: `=1+1` becomes `'=1+1`, `Ada;=1+1` becomes `Ada;'=1+1`. */
export function guardFormulas(value: string): string {
  return value.replace(PIECE, (piece) => piece.replace(FORMULA, "$1'$2"));
}

/** Removes the apostrophes of {@link guardFormulas}: gives back exactly what was guarded. */
export function unguardFormulas(value: string): string {
  return value.replace(PIECE, (piece) => piece.replace(GUARDED, '$1$2'));
}
