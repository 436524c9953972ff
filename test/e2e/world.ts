// The set-up of an end-to-end test: the real stack, a real Chromium, and users with tabs.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import type { Browser, BrowserContext } from 'playwright-core';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { type SampleOptions, sampleCsv } from '../../demo/tools/sample-rows.ts';
import { BrowserFaults } from '../support/browser/browser-faults.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { Pool } from '../support/pool.ts';
import { startStack, type TestStack } from '../support/processes/stack.ts';
import { DemoPage } from './demo-page.ts';
import { recordScreen } from './screen-record.ts';

/** The set-up that the tests of one file share. */
export interface World {
  readonly stack: TestStack;
  readonly faults: BrowserFaults;
  /**
   * Opens a browser profile with `user` signed in; with `byHand` through the page's form. The name gets the number of the
   * test, so that each test has new users.
   */
  signIn(user: string, options?: { byHand?: boolean }): Promise<Device>;
  /** A file to import, of this name. */
  writeFile(name: string, content: string | Buffer): string;
  /** A CSV of generated contacts. */
  writeCsv(name: string, options: SampleOptions): string;
  /** Kills a service (SIGKILL); returns its process id. */
  kill(service: Service): number;
  /** Pauses the worker until `release` is called, at the latest until the end of the test. */
  freezeWorker(): { release(): void };
  /** Killed services are not restarted until `release` is called, at the latest until the end of the test. */
  holdRestarts(): { release(): void };
  /** Waits until a service answers, in another process than `pid`. */
  waitUntilBack(service: Service, pid: number): Promise<void>;
}

export type Service = 'redis' | 'soketi' | 'server' | 'worker';

/** One browser profile with a signed-in user. */
export class Device {
  readonly context: BrowserContext;
  readonly user: string;
  readonly #url: string;

  constructor(context: BrowserContext, user: string, url: string) {
    this.context = context;
    this.user = user;
    this.#url = url;
  }

  /** A new tab, connected. */
  async openTab(): Promise<DemoPage> {
    const tab = new DemoPage(await this.context.newPage());
    await tab.page.goto(this.#url);
    await waitUntilLive(tab);
    return tab;
  }

  /** The user's tasks as the server has them, newest first. */
  async tasks(): Promise<Snapshot[]> {
    const response = await this.context.request.get(`${this.#url}/tasks?state=all`);
    expect(response.status()).toBe(200);
    return ((await response.json()) as { tasks: Snapshot[] }).tasks;
  }
}

/** Waits until the tab is live: events are pushed to it. */
export async function waitUntilLive(tab: DemoPage, within = 10_000): Promise<void> {
  await tab.tray.waitFor();
  await eventually(async () => expect(await tab.connection()).toBe('live'), { within, that: 'a live connection' });
}

/** Waits until each tab was seen without push. All are watched at once, because a tab may soon be live again. */
export async function waitUntilNotLive(tabs: readonly DemoPage[]): Promise<void> {
  await Promise.all(tabs.map((tab) => eventually(async () => expect(await tab.connection()).not.toBe('live'))));
}

/** Makes the body of a test that has a stack to itself. */
export type InWorld = (test: (world: World) => Promise<void>) => () => Promise<void>;

/** A stack and a browser. One test after another uses them. */
interface TestBed {
  readonly stack: TestStack;
  readonly browser: Browser;
  /** For the files of its tests. */
  readonly folder: string;
  /** How many tests have used it. */
  tests: number;
}

interface OpenWorld extends World {
  /** Ends what the test has opened. Fails the test if there were errors in its pages. */
  close(): Promise<void>;
}

/**
 * Starts the stack and the browser before the tests of a file, and ends them afterwards. After each test its browser profiles
 * are closed, and errors in their pages fail the test.
 *
 * @param env settings of the stack
 */
export function useWorld(env: NodeJS.ProcessEnv = {}): World {
  let world: OpenWorld;
  let bed: TestBed;
  useTestBeds(1, env, (started) => {
    bed = started;
  });
  beforeEach(() => {
    world = openWorld(bed);
  });
  afterEach(() => world.close());
  return {
    get stack() {
      return world.stack;
    },
    get faults() {
      return world.faults;
    },
    signIn: (...args) => world.signIn(...args),
    writeFile: (...args) => world.writeFile(...args),
    writeCsv: (...args) => world.writeCsv(...args),
    kill: (service) => world.kill(service),
    freezeWorker: () => world.freezeWorker(),
    holdRestarts: () => world.holdRestarts(),
    waitUntilBack: (...args) => world.waitUntilBack(...args),
  };
}

/**
 * Like {@link useWorld}, for tests that run at the same time. Returns what makes the body of a test that has a stack to itself.
 *
 * A test that finds all stacks in use waits for one. Its time limit counts from the beginning of that wait.
 *
 * @param count how many stacks there are
 * @example it.concurrent('the server heals', inWorld(async (world) => { … }))
 */
export function useWorlds(count: number, env: NodeJS.ProcessEnv = {}): InWorld {
  const free = new Pool<TestBed>();
  useTestBeds(count, env, (bed) => free.add(bed));
  return (test) => () =>
    free.use(async (bed) => {
      const world = openWorld(bed);
      try {
        await test(world);
      } finally {
        await world.close();
      }
    });
}

/** Starts stacks and a browser before the tests of a file, hands each stack to `add`, and ends all of it afterwards. */
function useTestBeds(count: number, env: NodeJS.ProcessEnv, add: (bed: TestBed) => void): void {
  const started: TestStack[] = [];
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'inloop-e2e-'));
    const startOne = async () => started.push(await startStack({ env }));
    [browser] = await Promise.all([launchChromium(), ...Array.from({ length: count }, startOne)]);
    for (const [n, stack] of started.entries()) {
      add({ stack, browser, folder: join(folder, String(n)), tests: 0 });
    }
  }, 150_000);
  afterAll(async () => {
    await browser?.close();
    const ends = await Promise.all(started.map((stack) => stack.stop()));
    expect(ends).toEqual(Array.from({ length: count }, () => 'exit code 0'));
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);
}

/** Opens the world of one test. */
function openWorld(bed: TestBed): OpenWorld {
  const { stack, browser, folder } = bed;
  const test = String(++bed.tests);
  const faults = new BrowserFaults();
  const frozen = new FrozenProcesses(stack);
  const contexts: BrowserContext[] = [];
  return {
    stack,
    faults,
    async close() {
      frozen.wakeAll();
      for (const context of contexts) await context.close();
      expect(faults.found).toEqual([]);
    },
    async signIn(name, { byHand = false } = {}) {
      const user = `${name} ${test}`;
      const context = await browser.newContext({ viewport: { width: 1_200, height: 800 }, reducedMotion: 'reduce' });
      contexts.push(context);
      await faults.watch(context);
      await context.addInitScript(recordScreen);
      if (byHand) {
        const tab = new DemoPage(await context.newPage());
        await tab.page.goto(stack.url);
        await tab.signIn(user);
        await tab.page.close();
      } else {
        const response = await context.request.post(`${stack.url}/session`, { data: { user } });
        expect(response.status()).toBe(200);
      }
      return new Device(context, user, stack.url);
    },
    writeFile(name, content) {
      const path = join(folder, test, name);
      mkdirSync(join(folder, test), { recursive: true });
      writeFileSync(path, content);
      return path;
    },
    writeCsv(name, options) {
      return this.writeFile(name, [...sampleCsv(options)].join(''));
    },
    kill(service) {
      const pid = pidOf(stack, service);
      process.kill(pid, 'SIGKILL');
      return pid;
    },
    freezeWorker: () => frozen.freeze(pidOf(stack, 'worker')),
    holdRestarts: () => frozen.freeze(stack.pid),
    async waitUntilBack(service, pid) {
      await eventually(() => expect(pidOf(stack, service)).not.toBe(pid), {
        within: 20_000,
        that: `${service} to be back`,
      });
    },
  };
}

/** The processes of a stack that a test has stopped (SIGSTOP). */
class FrozenProcesses {
  readonly #stack: TestStack;
  readonly #pids = new Set<number>();

  constructor(stack: TestStack) {
    this.#stack = stack;
  }

  freeze(pid: number): { release(): void } {
    process.kill(pid, 'SIGSTOP');
    this.#pids.add(pid);
    return { release: () => this.#wake(pid) };
  }

  wakeAll(): void {
    for (const pid of this.#pids) this.#wake(pid);
  }

  #wake(pid: number): void {
    if (!this.#pids.delete(pid)) return;
    // A process that was killed meanwhile has another id, and needs no SIGCONT.
    if (pid === this.#stack.pid || pid === pidOf(this.#stack, 'worker')) process.kill(pid, 'SIGCONT');
  }
}

/**
 * Returns how often the pages have asked for the list of tasks since this call. Pages that poll ask every 2.5 s; live pages need
 * not ask.
 */
export function watchLists(tabs: readonly DemoPage[]): () => number {
  let lists = 0;
  for (const { page } of tabs) {
    page.on('request', (request) => {
      if (new URL(request.url()).pathname === '/tasks') lists += 1;
    });
  }
  return () => lists;
}

/** The current process id of a service. */
export function pidOf(stack: TestStack, service: Service): number {
  const pid = stack.services()[service]?.pid;
  if (pid === undefined) throw new Error(`stack.json names no ${service}.`);
  return pid;
}
