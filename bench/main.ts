// `npm run bench`: measured comparisons on real parts. Prints tables and, unless --quick, writes docs/performance.md.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REPOSITORY } from '../dev/paths.ts';
import { percentile, table } from './table.ts';
import { measureTransports } from './transports.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });

const samples = await measureTransports({
  rounds: values.quick ? 2 : 5,
  events: values.quick ? 100 : 300,
  pause: 20,
  log: (line) => console.log(line),
});
const floor = { p50: percentile(samples.ws, 0.5), p95: percentile(samples.ws, 0.95) };
const ms = (value: number, of: number) => `${value.toFixed(2)} (× ${(value / of).toFixed(1)})`;
const transports = table(
  ['transport', 'events', 'p50, ms (× ws)', 'p95, ms (× ws)'],
  Object.entries(samples).map(([name, delays]) => [
    name,
    String(delays.length),
    ms(percentile(delays, 0.5), floor.p50),
    ms(percentile(delays, 0.95), floor.p95),
  ]),
);
console.log(`\n${transports}`);
if (values.quick) process.exit(0);

const versionOf = (name: string): string =>
  JSON.parse(readFileSync(join(REPOSITORY, 'node_modules', name, 'package.json'), 'utf8')).version;
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}, Soketi ${versionOf('@soketi/soketi')}, pusher ${versionOf('pusher')}, pusher-js ${versionOf('pusher-js')}`;
mkdirSync(join(REPOSITORY, 'docs'), { recursive: true });
writeFileSync(
  join(REPOSITORY, 'docs', 'performance.md'),
  `# Performance

Written by \`npm run bench\`; do not edit. Absolute figures move with the machine, so compare the ratios. All parts on one
machine: ${machine}.

## Transports

From the call that publishes to the callback in the page (Chromium), one event each 20 ms, every transport in turn within
a round: WebSocket straight to Soketi, and pusher-js's HTTP transports by way of the app's fallback.

${transports}
`,
);
