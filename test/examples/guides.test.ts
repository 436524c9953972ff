// docs/guides/from-django.md, run unchanged: its Python asks its Node service, on a real Redis. Without python3 it is skipped.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { transformSync } from 'esbuild';
import express from 'express';
import { findOnPath } from '../../cli/parts/find.ts';
import { REPOSITORY } from '../../dev/paths.ts';
import { type HttpServer, startHttpServer } from '../support/http-server.ts';
import { NO_BUS } from '../support/parts.ts';
import { startRedis, type TestRedis } from '../support/redis/redis.ts';
import { type PlacedExample, placeExample } from './place-example.ts';

const PYTHON = findOnPath(['python3']);
const itWithPython = PYTHON === null ? it.skip : it;
const guide = readFileSync(join(REPOSITORY, 'docs/guides/from-django.md'), 'utf8');
const snippet = (language: string) => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(guide)?.[1] ?? '';

let redis: TestRedis;
let django: HttpServer;
let service: PlacedExample;

beforeAll(async () => {
  redis = await startRedis();
  // Stands for Django, of which the guide needs the view `/whoami`.
  const app = express();
  app.get('/whoami', (req, res) => {
    if (req.get('cookie') === 'sessionid=of-7') res.json({ id: '7' });
    else res.sendStatus(401);
  });
  django = await startHttpServer(app);
  service = placeExample('express-5');
}, 30_000);

afterAll(async () => {
  await service?.remove();
  await django?.close();
  await redis?.stop();
});

itWithPython(
  'Python starts a task for a user, and the Node service recognizes that user by the cookie of Django',
  async () => {
    writeFileSync(join(service.folder, 'service.js'), transformSync(snippet('ts'), { loader: 'ts' }).code);
    const shared = { TASKS_SECRET: 'secret', no_proxy: '*' };
    const env = { ...shared, ...NO_BUS, REDIS_URL: redis.url, DJANGO_URL: django.url };
    const url = await service.serve('service.js', env);
    const program = `${snippet('python')}\nprint(json.dumps(start_import('7', 'u1')))`;
    const { stdout } = await promisify(execFile)(PYTHON ?? '', ['-c', program], { env: { ...shared, TASKS_URL: url } });
    const task = JSON.parse(stdout);
    expect(task).toMatchObject({ name: 'import-file', status: 'queued' });
    const ask = (cookie: string) => fetch(`${url}/tasks/${task.id}`, { headers: { cookie } });
    expect(await (await ask('sessionid=of-7')).json()).toMatchObject({ id: task.id });
    expect((await ask('sessionid=forged')).status).toBe(401);
    expect((await fetch(`${url}/internal/imports`, { method: 'POST' })).status).toBe(401);
  },
  30_000,
);
