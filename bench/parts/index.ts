// All parts, in the order in which they run and are written down.
import type { Part } from '../part.ts';
import { burst } from './burst.ts';
import { comeback } from './comeback.ts';
import { floor } from './floor.ts';
import { growth } from './growth.ts';
import { minute } from './minute.ts';
import { outcome } from './outcome.ts';
import { profile } from './profile.ts';
import { progress } from './progress.ts';
import { transports } from './transports.ts';
import { w3 } from './w3.ts';
import { w4 } from './w4.ts';
import { w1, w2 } from './wall.ts';

export const PARTS: readonly Part<unknown>[] = [
  ...[w1, w2, w3, w4],
  ...[outcome, progress, minute, growth, burst, comeback],
  ...[profile, floor, transports],
];
