// What an adopter's tests import, for compilers.
import * as testing from 'inloop/testing';
import { fakeFeed } from 'inloop/testing/feed';
import { count } from './tasks.js';

export const run = testing.runTask(count, async (input) => ({ counted: input.to }), { to: 3 });
export const backend = testing.createMemoryBackend();
export const feed = fakeFeed();
