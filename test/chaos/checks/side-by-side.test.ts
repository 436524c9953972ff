// Which notes of the chaos run show two tasks of one concurrency key side by side.
import { expect, it } from '@jest/globals';
import type { Note } from '../world/notes.ts';
import { findSideBySide } from './side-by-side.ts';

const enter = (task: string, key = 'k'): Note => ({ what: 'entered', task, key });
const leave = (task: string): Note => ({ what: 'leaves', task });

it.each<[how: string, notes: Note[], pairs: number]>([
  ['one after the other', [enter('a'), leave('a'), enter('b'), leave('b')], 0],
  ['of other keys', [enter('a'), enter('b', 'other'), leave('a'), leave('b')], 0],
  ['whose end was sent twice', [enter('a'), leave('a'), enter('b'), leave('a'), leave('b')], 0],
  ['one of which was begun again by another worker', [enter('a'), enter('a'), leave('a'), enter('b'), leave('b')], 0],
  // The server notes nothing, so task a is never noted to leave.
  ['one of which the server has ended', [enter('a'), enter('b'), leave('b')], 0],
  ['side by side', [enter('a'), enter('b'), leave('a'), leave('b')], 1],
  ['one within the other', [enter('a'), enter('b'), leave('b'), leave('a')], 1],
  [
    'one of which came between two attempts of another',
    [enter('a'), leave('a'), enter('b'), enter('a'), leave('a')],
    1,
  ],
  ['three at once', [enter('a'), enter('b'), enter('c'), leave('a'), leave('b'), leave('c')], 3],
])('tasks %s', (_how, notes, pairs) => {
  expect(findSideBySide(notes)).toHaveLength(pairs);
});
