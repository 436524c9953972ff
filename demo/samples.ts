/** The sample files that the page offers, and how each was made. `samples.test.ts` keeps the files true to it. */

import type { SampleOptions } from './sample-rows.ts';

export const SAMPLES: Readonly<Record<string, SampleOptions>> = {
  'contacts-100.csv': { rows: 100 },
  'contacts-10000.csv': { rows: 10_000 },
  'contacts-broken.csv': { rows: 60, kind: 'broken', seed: 2 },
  'contacts-torn.csv': { rows: 60, kind: 'torn', seed: 3 },
};
