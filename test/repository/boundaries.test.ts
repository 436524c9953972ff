// The boundary rules of .dependency-cruiser.mjs, on a made-up repository that breaks each of them once.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';

/** One breach of each rule: the rule, the file, and the import in it. */
const BREACHES = [
  ['core-imports-nothing-of-ours', 'core/of-backend.ts', "import type { X } from '../backend/fine.ts';"],
  ['backend-imports-core', 'backend/push/of-server.ts', "export { x } from '../../server/fine.ts';"],
  ['server-imports-core-and-backend', 'server/tasks/of-worker.ts', "import { type X } from '../../worker/fine.ts';"],
  ['worker-imports-core-and-backend', 'worker/of-server.ts', "import { x } from '../server/fine.ts';"],
  ['client-imports-core', 'client/feed/of-backend.ts', "export * from '../../backend/fine.ts';"],
  ['testing-imports-core-and-backend-and-worker-and-client', 'testing/of-server.ts', "import '../server/fine.ts';"],
  ['fake-feed-runs-in-browsers', 'testing/feed/of-worker.ts', "import '../../worker/fine.ts';"],
  ['metrics-imports-core-and-backend', 'metrics/of-worker.ts', "import type { X } from '../worker/fine.ts';"],
  ['tracing-imports-core-and-backend', 'tracing/of-worker.ts', "import type { X } from '../worker/fine.ts';"],
  ['operator-imports-core-and-backend-and-server-and-client', 'operator/of-worker.ts', "import '../worker/fine.ts';"],
  ['operator-page-runs-in-browsers', 'operator/page/of-server.ts', "import '../../server/fine.ts';"],
  ['operator-serves-its-page-as-text', 'operator/of-page.ts', "import type { X } from './page/fine.ts';"],
  ['soketi-imports-nothing-of-ours', 'soketi/of-core.cjs', "require('../core/fine.ts');"],
  ['cli-imports-core-and-backend-and-soketi', 'cli/of-server.ts', "import '../server/fine.ts';"],
  ['dev-imports-soketi-and-cli', 'dev/stack/of-test.ts', "import '../../test/fine.ts';"],
  ['one-place-knows-bee-queue', 'backend/store/queue.ts', "import Queue from 'bee-queue';"],
  ['one-place-knows-pusher', 'backend/push/other.ts', "import Pusher from 'pusher';"],
  ['one-place-knows-redis-client', 'backend/queue/client.ts', "import type { C } from '@redis/client';"],
  ['one-place-knows-pusher-js', 'client/feed/pusher.ts', "const load = () => import('pusher-js');"],
  ['one-place-knows-react', 'client/feed/react.ts', "import { x } from 'react';"],
  ['one-place-knows-prom-client', 'server/metrics.ts', "import { Registry } from 'prom-client';"],
  ['one-place-knows-opentelemetry-api', 'backend/trace.ts', "import { trace } from '@opentelemetry/api';"],
  ['browsers-have-no-node', 'core/of-node.ts', "import fs from 'fs';"],
  ['hooks-draw-nothing', 'client/react/draws.ts', "import '../element/fine.ts';"],
  ['demo-imports-published-entries', 'demo/csv/of-core.ts', "import type { X } from '../../core/fine.ts';"],
  ['inside-import-by-path', 'worker/entry.ts', "import { x } from 'inloop/backend';"],
  ['adopters-have-it-installed', 'server/of-tests.ts', "import { x } from 'only-for-tests';"],
  ['no-circles', 'server/circle.ts', "import type { X } from './other-half.ts';"],
] as const;

/** Files that break no rule. Those of {@link BREACHES} import some of them. */
const FINE = {
  'core/fine.ts': '',
  'backend/fine.ts': "import '../core/fine.ts'; import fs from 'node:fs';",
  'backend/queue/fine.ts': "import Queue from 'bee-queue';",
  'backend/push/bus/bus.ts': "import Pusher from 'pusher';",
  'backend/redis/fine.ts': "import { C } from '@redis/client';",
  'server/fine.ts': "import '../backend/fine.ts'; import '../core/fine.ts'; import express from 'express';",
  'server/other-half.ts': "import type { X } from './circle.ts';",
  'worker/fine.ts': "import '../backend/fine.ts';",
  'worker/fine.test.ts': "import '../server/fine.ts'; import 'only-for-tests';",
  'testing/fine.ts': "import '../worker/fine.ts'; import '../client/react/fine.ts';",
  'client/element/fine.ts': "import '../../core/fine.ts';",
  'client/push/fine.ts': "import 'pusher-js';",
  'client/react/fine.ts': "import { x } from 'react';",
  'metrics/fine.ts': "import '../backend/fine.ts'; import { Registry } from 'prom-client';",
  'tracing/fine.ts': "import '../backend/fine.ts'; import { trace } from '@opentelemetry/api';",
  'operator/fine.ts': "import '../server/fine.ts'; import express from 'express';",
  'operator/page/fine.ts': "import '../../client/element/fine.ts';",
  'soketi/fine.ts': "import fs from 'node:fs';",
  'cli/fine.ts': "import '../backend/fine.ts'; import '../soketi/fine.ts';",
  'dev/fine.ts': "import '../cli/fine.ts';",
  'demo/fine.ts': "import { x } from 'inloop/server'; import express from 'express';",
  'test/fine.ts': "import '../core/fine.ts'; import 'bee-queue';",
} as const;

/** The package.json of the made-up repository. */
const MANIFEST = {
  name: 'inloop',
  dependencies: { 'bee-queue': '1', pusher: '1', '@redis/client': '1' },
  peerDependencies: { 'pusher-js': '1', react: '1', express: '1', 'prom-client': '1', '@opentelemetry/api': '1' },
  devDependencies: {
    'pusher-js': '1',
    react: '1',
    express: '1',
    'prom-client': '1',
    '@opentelemetry/api': '1',
    'only-for-tests': '1',
  },
};

const CRUISER = join(REPOSITORY, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
const CONFIG = join(REPOSITORY, '.dependency-cruiser.mjs');

interface Cruise {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
    readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string }[] };
  };
}

describe('the boundary rules of .dependency-cruiser.mjs', () => {
  let folder: string;
  let cruise: Cruise['summary'];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'inloop-boundaries-'));
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    };
    write('package.json', JSON.stringify(MANIFEST));
    for (const name of Object.keys({ ...MANIFEST.dependencies, ...MANIFEST.devDependencies })) {
      write(`node_modules/${name}/index.js`, '');
    }
    for (const [path, text] of Object.entries(FINE)) write(path, text);
    for (const [, path, text] of BREACHES) write(path, text);
    // The exit code of depcruise is the number of breaches.
    const { stdout, stderr } = spawnSync(process.execPath, [CRUISER, '--config', CONFIG, '-T', 'json', '.'], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (stderr !== '') throw new Error(stderr);
    cruise = (JSON.parse(stdout) as Cruise).summary;
  }, 30_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('report one breach each, and nothing else', () => {
    const found = cruise.violations.map(({ rule, from }) => `${rule.name}: ${from}`);
    expect(found.sort()).toEqual(BREACHES.map(([rule, path]) => `${rule}: ${path}`).sort());
    const rules = cruise.ruleSetUsed.forbidden.map(({ name }) => name);
    expect(rules.sort()).toEqual(BREACHES.map(([rule]) => rule).sort());
  });

  it("see every import: no file has one inside a type, as `import('./x.ts').X`", () => {
    const files = execFileSync('git', ['ls-files', '*.ts', ':!*.test.ts'], { cwd: REPOSITORY, encoding: 'utf8' });
    const hidden = files
      .trim()
      .split('\n')
      .filter((file) =>
        /typeof import\('\.|import\('\.[^']*'\)\.[A-Z]/.test(readFileSync(join(REPOSITORY, file), 'utf8')),
      );
    expect(hidden).toEqual([]);
  });
});
