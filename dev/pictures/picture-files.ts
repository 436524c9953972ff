// Writes the pictures of the documents to docs/images, with few colours and a bounded size. For `npm run pictures`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import UPNG from 'upng-js';
import { CommandError } from '../../cli/command-error.ts';
import { printLine } from '../output.ts';
import { REPOSITORY } from '../paths.ts';

/** The largest picture and the largest animation, so that the documents load fast. */
const MAX_BYTES = 200 * 1024;
const MAX_ANIMATION_BYTES = 1.5 * 1024 * 1024;
/** How many colours a picture has at most. This halves the size of the file, and in a picture of text the loss is not visible. */
const COLOURS = 256;
/** How long the last frame is shown before the animation starts again. */
const LAST_FRAME_MS = 4_000;

/** One screenshot of an animation. */
export interface Frame {
  /** A PNG. */
  readonly png: Uint8Array;
  /** When it was taken, in milliseconds since 1970. */
  readonly at: number;
}

/** Writes docs/images/`name`. @throws CommandError if the file is too large */
export function savePicture(name: string, png: Uint8Array): void {
  const picture = decode(png);
  write(name, UPNG.encode([picture.pixels], picture.width, picture.height, COLOURS), MAX_BYTES);
}

/** Writes docs/images/`name` as an animated PNG, `speed` times as fast as recorded. @throws CommandError if it is too large */
export function saveAnimation(name: string, frames: readonly Frame[], speed: number): void {
  const distinct = frames.filter(({ png }, index) => index === 0 || !isSame(png, frames[index - 1]?.png));
  const pictures = distinct.map(({ png }) => decode(png));
  const [first] = pictures;
  if (!first) throw new CommandError('There is no frame to make an animation of.');
  const delays = distinct.map(({ at }, index) => {
    const next = distinct[index + 1];
    return next ? (next.at - at) / speed : LAST_FRAME_MS;
  });
  const pixels = pictures.map((picture) => picture.pixels);
  write(name, UPNG.encode(pixels, first.width, first.height, COLOURS, delays), MAX_ANIMATION_BYTES);
}

function write(name: string, bytes: ArrayBuffer, limit: number): void {
  const path = join(REPOSITORY, 'docs', 'images', name);
  const file = Buffer.from(bytes);
  if (file.length > limit) {
    throw new CommandError(`${name} would have ${file.length} bytes, more than ${limit}. Show less in it.`);
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file);
  printLine('inloop', `wrote ${relative(REPOSITORY, path)} (${Math.ceil(file.length / 1024)} KB)`);
}

function decode(png: Uint8Array): { pixels: ArrayBuffer; width: number; height: number } {
  const picture = UPNG.decode(Uint8Array.from(png).buffer);
  return { pixels: UPNG.toRGBA8(picture)[0] as ArrayBuffer, width: picture.width, height: picture.height };
}

function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && Buffer.compare(one, other) === 0;
}
