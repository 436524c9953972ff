/**
 * The sample files that the page offers. The server generates them, so that it can run in any folder. The same files are in
 * demo/samples for people and scripts; `samples.test.ts` checks that they are equal.
 */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type RequestHandler, Router } from 'express';
import { type SampleOptions, sampleCsv } from './sample-rows.ts';

/** Each file, and how it is made. */
export const SAMPLES: Readonly<Record<string, SampleOptions>> = {
  'contacts-100.csv': { rows: 100 },
  'contacts-10000.csv': { rows: 10_000 },
  'contacts-broken.csv': { rows: 60, kind: 'broken', seed: 2 },
  'contacts-torn.csv': { rows: 60, kind: 'torn', seed: 3 },
};

/** `GET /samples/<name>`, open to everyone. */
export function createSamplesRouter(): Router {
  const router = Router();
  for (const [name, options] of Object.entries(SAMPLES)) {
    const send: RequestHandler = async (_req, res) => {
      res.attachment(name);
      await pipeline(Readable.from(sampleCsv(options)), res).catch(() => res.destroy());
    };
    router.get(`/${name}`, send);
  }
  return router;
}
