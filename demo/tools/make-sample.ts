/**
 * Writes a sample CSV of any size:
 *
 *     node dist/demo/tools/make-sample.js --rows 250000 --out /tmp/contacts.csv
 *
 * Options: `--seed N`, and `--kind`: `good` (every row is a contact), `broken` (every fifth row has a fault) or `torn` (a
 * quotation mark is never closed). Without `--out` it writes to the standard output.
 * With `--all DIR` it writes all files of demo/samples into the folder DIR, whatever the other options are.
 */

import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { type SampleKind, type SampleOptions, sampleCsv } from './sample-rows.ts';
import { SAMPLES } from './samples.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '100' },
    kind: { type: 'string', default: 'good' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
    all: { type: 'string' },
  },
});

const numbers = [values.rows, values.seed];
if (!numbers.every((text) => /^\d{1,9}$/.test(text)) || !['good', 'broken', 'torn'].includes(values.kind)) {
  console.error('make-sample: expected --rows N --seed N --kind good|broken|torn [--out FILE], or --all DIR.');
  process.exitCode = 1;
} else if (values.all !== undefined) {
  for (const [name, options] of Object.entries(SAMPLES)) await writeSample(options, join(values.all, name));
} else {
  const options = { rows: Number(values.rows), seed: Number(values.seed), kind: values.kind as SampleKind };
  await writeSample(options, values.out);
}

async function writeSample(options: SampleOptions, path: string | undefined): Promise<void> {
  await pipeline(Readable.from(sampleCsv(options)), path === undefined ? process.stdout : createWriteStream(path));
}
