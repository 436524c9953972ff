import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { sampleCsv } from './sample-rows.ts';
import { SAMPLES } from './samples.ts';

const folder = join(__dirname, '../samples');

describe('the sample files', () => {
  it.each(Object.keys(SAMPLES))('%s is what make-sample writes', (name) => {
    const made = [...sampleCsv(SAMPLES[name] ?? { rows: 0 })].join('');
    expect(readFileSync(join(folder, name), 'utf8') === made).toBe(true);
  });

  it('are exactly those that the server offers', () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(SAMPLES).sort());
  });
});
