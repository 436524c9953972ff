import type { Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { problemHandler } from 'inloop/server';
import { type DemoDatabase, openDatabase } from '../database/database.ts';
import { addressOf, listen } from '../process.ts';
import { createSessionRouter, readSession } from './session.ts';

let server: Server | undefined;
let db: DemoDatabase;
beforeEach(() => {
  db = openDatabase(':memory:');
});
afterEach(() => {
  db.close();
  server?.closeAllConnections();
  server?.close();
});

describe('a session', () => {
  it('ends after seven days, even if the browser still sends its cookie', async () => {
    let now = Date.UTC(2026, 0, 1);
    const session = { sessions: db.sessions, secret: 'a secret for this test', now: () => now };
    const app = express().use(readSession(session)).use('/session', createSessionRouter(session)).use(problemHandler());
    server = await listen(app, '127.0.0.1', 0);
    const url = `${addressOf(server)}/session`;
    const headers = { 'Content-Type': 'application/json' };
    const signedIn = await fetch(url, { method: 'POST', headers, body: '{"user":"ada"}' });
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';

    now += 6.9 * 86_400_000;
    expect(await (await fetch(url, { headers: { cookie } })).json()).toEqual({ user: 'ada' });
    now += 0.2 * 86_400_000;
    const late = await fetch(url, { headers: { cookie } });
    expect(late.status).toBe(401);
    expect(late.headers.get('set-cookie')).toMatch(/^inloop_demo=;/);
  });
});
