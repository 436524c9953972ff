// examples/hosted-pusher: the Express 5 example with another environment and nothing else, with a Soketi in the place of Pusher.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import express from 'express';
import type { Browser } from 'playwright-core';
import { REPOSITORY } from '../../dev/paths.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { type HostedSoketi, startHostedSoketi } from '../support/bus/soketi/hosted-soketi.ts';
import { eventually } from '../support/eventually.ts';
import { type HttpServer, startHttpServer } from '../support/http-server.ts';
import { startBus, type TestBus } from '../support/parts.ts';
import { openPage, seeDone } from './example-page.ts';
import { type PlacedExample, placeExample } from './place-example.ts';

const FOLDER = join(REPOSITORY, 'examples/hosted-pusher');

let internet: HttpServer;
let bus: TestBus;
let hosted: HostedSoketi;
let browser: Browser;
let example: PlacedExample;
let url = '';
/** How the app answered webhooks. */
const answers: number[] = [];

beforeAll(async () => {
  // The public address of the app, as Pusher knows it.
  const app = express().post('/tasks/webhook', express.raw({ type: () => true }), async (req, res) => {
    const headers = Object.fromEntries(
      ['content-type', 'x-pusher-key', 'x-pusher-signature'].map((name) => [name, req.get(name) ?? '']),
    );
    const { status } = await fetch(`${url}/tasks/webhook`, { method: 'POST', headers, body: req.body });
    answers.push(status);
    res.sendStatus(status);
  });
  internet = await startHttpServer(app);
  bus = await startBus({ webhooks: `${internet.url}/tasks/webhook` });
  hosted = await startHostedSoketi('eu', bus.soketi.pusher.port);
  browser = await launchChromium({ flags: hosted.flags });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await example?.remove();
  await hosted?.close();
  await bus?.stop();
  await internet?.close();
}, 30_000);

it('hosted-pusher: a page of the Express 5 example follows a task, by environment alone', async () => {
  expect(readdirSync(FOLDER).sort()).toEqual(['.env.example', 'README.md']);
  const sample = readFileSync(join(FOLDER, '.env.example'), 'utf8');
  expect(parseEnv(sample).PUSHER_CLUSTER).toBe('eu');
  const { appId, key, secret } = bus.soketi.pusher;
  const mine = {
    'app-id-change-me': appId,
    'key-change-me': key,
    'secret-change-me': secret,
    'redis://127.0.0.1:6379': bus.redis.url,
  };

  example = placeExample('express-5');
  const env = Object.entries(mine).reduce((text, [theirs, own]) => text.replace(theirs, own), sample);
  writeFileSync(join(example.folder, '.env'), env);
  await example.bundle('page.js', 'public/page.js');
  // As the README says: node --env-file=.env worker.js & node --env-file=.env server.js
  example.run('--env-file=.env', hosted.env, ['worker.js']);
  url = await example.serve('--env-file=.env', hosted.env, ['server.js']);

  const { page, faults } = await openPage(browser, url);
  // A webhook has told the app that somebody watches: from now on tasks are pushed to the page.
  await eventually(() => expect(answers).not.toEqual([]), { within: 15_000 });
  await seeDone(page, 'Build the report', 'Report of May');
  expect(faults.found).toEqual([]);
  expect(answers.filter((status) => status !== 200)).toEqual([]);
  expect([...hosted.hosts].sort()).toEqual(['api-eu.pusher.com', 'ws-eu.pusher.com']);
}, 60_000);
