// What is attacked: the stack of `npm start` (demo, worker, Redis, hardened Soketi), and an app with its own Redis and Soketi
// whose tasks browsers may start with any input.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { claimPort } from '../../cli/processes/ports.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import type { Credentials } from '../../dev/stack/credentials.ts';
import { startBus } from '../support/parts.ts';
import { bundleScript, startScript } from '../support/processes/script-process.ts';
import { startStack, type TestStack } from '../support/processes/stack.ts';
import { type Call, Http, jsonBody } from './http.ts';
import { Leaks } from './leaks.ts';

export interface World {
  /** The short form: fewer attempts. */
  readonly isShort: boolean;
  readonly http: Http;
  /** The demo: the URL of its page, and calls with a user's cookie (null: without a cookie). */
  readonly demo: {
    readonly url: string;
    readonly stack: TestStack;
    readonly credentials: Credentials;
    signIn(user: string): Promise<string>;
    call(cookie: string | null, path: string, call?: Call): ReturnType<Http['send']>;
    /** Names of keys in its Redis that contain `text`. */
    keysWith(text: string): Promise<string[]>;
  };
  /** The app: its URL, and calls as a user (null: without a user). */
  readonly app: {
    readonly url: string;
    readonly pid: number;
    call(user: string | null, path: string, call?: Call): ReturnType<Http['send']>;
    /** Starts a task of `user`; returns its snapshot. */
    start(user: string, name: 'wait' | 'weigh', input: unknown): Promise<Snapshot>;
    /** Waits until `id` has an outcome. */
    finished(user: string, id: string): Promise<Snapshot>;
    output(): string;
  };
  readonly leaks: Leaks;
  close(): Promise<void>;
}

/** Starts everything. `close` ends it. */
export async function startWorld(isShort: boolean): Promise<World> {
  const leaks = new Leaks();
  const http = new Http((what, answer) =>
    leaks.searchAnswer(what, `${JSON.stringify(answer.headers)}\n${answer.body}`),
  );
  const ends: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    http.close();
    // Processes end before the services that they use.
    for (const end of ends.reverse()) await end();
  };
  try {
    return await startParts({ isShort, leaks, http, ends, close });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Parts {
  readonly isShort: boolean;
  readonly leaks: Leaks;
  readonly http: Http;
  /** What ends the parts, in the order of their start. They are ended the last started first. */
  readonly ends: (() => Promise<unknown>)[];
  readonly close: () => Promise<void>;
}

/** The servers and the app's processes, each put into `ends` as soon as it runs. */
async function startParts({ isShort, leaks, http, ends, close }: Parts): Promise<World> {
  const stack = await startStack();
  ends.push(stack.stop);
  const credentials = JSON.parse(readFileSync(join(stack.dir, 'credentials.json'), 'utf8')) as Credentials;
  const bus = await startBus();
  ends.push(bus.stop);
  const bundle = await bundleScript('test/attack/app.ts');
  ends.push(async () => bundle.remove());
  const { port } = await claimPort();
  const app = await startScript(bundle, { ...bus.env, PORT: String(port) }, 'app ready');
  ends.push(app.kill);
  const worker = await startScript(bundle, { ...bus.env, ROLE: 'worker' }, 'worker ready');
  ends.push(worker.kill);
  leaks.keep([...secretsIn(credentials), bus.env.PUSHER_SECRET ?? '']);

  const callDemo: World['demo']['call'] = (cookie, path, call = {}) =>
    http.send(stack.url.replace('localhost', '127.0.0.1') + path, {
      ...call,
      headers: { ...(cookie === null ? {} : { cookie }), ...call.headers },
    });
  const callApp: World['app']['call'] = (user, path, call = {}) =>
    http.send(`http://127.0.0.1:${port}${path}`, {
      ...call,
      headers: { ...(user === null ? {} : { 'x-user': encodeURIComponent(user) }), ...call.headers },
    });
  return {
    isShort,
    http,
    leaks,
    demo: {
      url: stack.url.replace('localhost', '127.0.0.1'),
      stack,
      credentials,
      call: callDemo,
      async signIn(user) {
        const { headers } = await callDemo(null, '/session', jsonBody({ user }));
        return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
      },
      keysWith: (text) => findKeys(stack, credentials, text),
    },
    app: {
      url: `http://127.0.0.1:${port}`,
      pid: app.pid,
      call: callApp,
      async start(user, name, input) {
        return JSON.parse((await callApp(user, '/tasks', jsonBody({ name, input }))).body) as Snapshot;
      },
      async finished(user, id) {
        for (;;) {
          const { body } = await callApp(user, `/tasks/${id}`, { headers: { prefer: 'wait=10' }, limit: 15_000 });
          const task = JSON.parse(body) as Snapshot;
          if (task.finishedAt !== null) return task;
        }
      },
      output: () => app.output() + worker.output(),
    },
    close,
  };
}

/** Resident memory of a process, in bytes. */
export async function memoryOf(pid: number): Promise<number> {
  const text = await new Promise<string>((resolve) => {
    execFile('ps', ['-o', 'rss=', '-p', String(pid)], (_error, stdout) => resolve(stdout));
  });
  return Number(text.trim()) * 1_024;
}

/** All secrets among the credentials. The application's id and key are public. */
function secretsIn({ app, ...rest }: Credentials): string[] {
  return [app.secret, ...Object.values(rest).filter((value): value is string => typeof value === 'string')];
}

async function findKeys(stack: TestStack, credentials: Credentials, text: string): Promise<string[]> {
  const { redisPassword } = credentials as { redisPassword?: string };
  const auth = redisPassword === undefined ? '' : `:${redisPassword}@`;
  const client = createClient({ url: `redis://${auth}127.0.0.1:${stack.services().redis?.port}` });
  await client.connect();
  try {
    const keys: string[] = [];
    for await (const batch of client.scanIterator({ MATCH: `*${text}*`, COUNT: 1_000 })) keys.push(...batch);
    return keys;
  } finally {
    client.destroy();
  }
}
