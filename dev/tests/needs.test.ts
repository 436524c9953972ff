import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../paths.ts';
import { readNeeds } from './needs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inloop-needs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const support = (path: string) => JSON.stringify(join(REPOSITORY, 'test', 'support', path));

async function needsOf(code: string): Promise<string[]> {
  const file = join(folder, 'some.test.ts');
  writeFileSync(file, code);
  return [...((await readNeeds([file])).get(file) ?? [])].sort();
}

describe('what a test needs', () => {
  it.each([
    ['nothing', `import { eventually } from ${support('eventually.ts')}; eventually;`, []],
    ['a Redis', `import { startRedis } from ${support('redis/redis.ts')}; startRedis;`, ['Redis']],
    ['a Soketi', `import { startSoketi } from ${support('bus/soketi/soketi.ts')}; startSoketi;`, ['Soketi']],
    ['a Chromium', `import { TrayPages } from ${support('browser/tray-page.ts')}; TrayPages;`, ['Chromium']],
    ['an nginx', `import { startNginx } from ${support('processes/nginx.ts')}; startNginx;`, ['nginx']],
    ['the whole stack', `import ${support('processes/stack.ts')};`, ['Redis', 'Soketi', 'dist']],
    ['what a script needs', `import ${support('processes/run-script.ts')};`, ['Redis', 'Soketi']],
    [
      'nothing, if only types are imported',
      `import type { TestRedis } from ${support('redis/redis.ts')}; let r: TestRedis;`,
      [],
    ],
  ])('is read from what it imports: %s', async (_what, code, needs) => {
    expect(await needsOf(code)).toEqual(needs);
  });

  it('is found through other files, and for each test by itself', async () => {
    writeFileSync(join(folder, 'world.ts'), `export * from ${support('redis/redis.ts')};`);
    const pure = join(folder, 'pure.test.ts');
    const real = join(folder, 'real.test.ts');
    writeFileSync(pure, 'export const x = 1;');
    writeFileSync(real, "const load = () => import('./world.ts'); load;");
    expect([...(await readNeeds([pure, real]))].map(([file, needs]) => [file, [...needs]])).toEqual([
      [pure, []],
      [real, ['Redis']],
    ]);
  });

  it('is an error if a file cannot be read', async () => {
    await expect(needsOf("import './missing.ts';")).rejects.toThrow('missing.ts');
  });
});
