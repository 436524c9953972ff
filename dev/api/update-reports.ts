// `npm run api:update`: writes the API report of each published entry to docs/api/, and removes those of entries that are gone.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../paths.ts';
import { REPORT_FOLDER, readApiReports } from './api-report.ts';

const folder = join(REPOSITORY, REPORT_FOLDER);
const reports = readApiReports();
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) {
  if (!reports.has(name)) rmSync(join(folder, name));
}
for (const [name, text] of reports) writeFileSync(join(folder, name), text);
console.log(`inloop: ${reports.size} reports are in ${REPORT_FOLDER}/. See what changed: git diff ${REPORT_FOLDER}`);
