// What adopters may rely on is written down in docs/api/. Whoever changes it does so knowingly.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { REPORT_FOLDER, readApiReports } from '../../dev/api/api-report.ts';
import { REPOSITORY } from '../../dev/paths.ts';
import { inDist } from '../support/dist.ts';

const folder = join(REPOSITORY, REPORT_FOLDER);

it('each published entry exports what its report says. If a change is meant, run: npm run api:update', () => {
  // The reports are read from the build. A test that imports `inDist` runs after a build; without one, this line throws.
  readFileSync(inDist('core/index.d.ts'));
  const committed = Object.fromEntries(readdirSync(folder).map((name) => [name, linesOf(name)]));
  const now = Object.fromEntries([...readApiReports()].map(([name, text]) => [name, text.split('\n')]));
  expect(now).toEqual(committed);
});

function linesOf(name: string): string[] {
  return readFileSync(join(folder, name), 'utf8').split('\n');
}
