// The two runtimes of the conformance suite's client: this process with pusher-js for Node, and a page in Chromium with
// pusher-js for browsers. The suite calls both in the same way.
import type { Express } from 'express';
import type { Browser } from 'playwright-core';
import { bundleForBrowser, servePage } from '../support/browser/browser-bundle.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { Pusher } from '../support/bus/pusher-class.ts';
import { type Agent, createAgent } from './follower.ts';

/** The client's methods, each with a promise as its result. */
export type RemoteAgent = {
  [Name in keyof Agent]: (...args: Parameters<Agent[Name]>) => Promise<Awaited<ReturnType<Agent[Name]>>>;
};

export interface Runtime {
  readonly name: string;
  /** Called before any client is created: Chromium needs a page of the application. */
  prepare(app: Express): Promise<void>;
  createAgent(base: string): Promise<RemoteAgent>;
  stop(): Promise<void>;
}

const METHODS = ['replay', 'shown', 'follow', 'events', 'intrude', 'call', 'close'] as const;

function remote(ask: (name: keyof Agent, args: readonly unknown[]) => Promise<unknown>): RemoteAgent {
  const methods = METHODS.map((name) => [name, (...args: unknown[]) => ask(name, args)] as const);
  return Object.fromEntries(methods) as unknown as RemoteAgent;
}

const node: Runtime = {
  name: 'Node',
  async prepare() {},
  async createAgent(base) {
    const agent = createAgent(Pusher, base);
    return remote(async (name, args) => (agent[name] as (...given: unknown[]) => unknown)(...args));
  },
  async stop() {},
};

let browser: Browser | undefined;

const chromium: Runtime = {
  name: 'Chromium',
  async prepare(app) {
    const script = await bundleForBrowser(`
      import Pusher from 'pusher-js/with-encryption';
      import { createAgent } from './test/conformance/follower.ts';
      globalThis.agent = createAgent(Pusher, location.origin);
    `);
    servePage(app, '/conformance', script);
    browser ??= await launchChromium();
  },
  async createAgent(base) {
    const page = await (browser as Browser).newPage();
    await page.goto(`${base}/conformance`);
    return remote(async (name, args) => {
      return page.evaluate(
        ([method, given]) =>
          (globalThis as unknown as { agent: Record<string, (...of: readonly unknown[]) => unknown> }).agent[method]?.(
            ...given,
          ),
        [name, args] as const,
      );
    });
  },
  async stop() {
    await browser?.close();
  },
};

export const RUNTIMES: readonly Runtime[] = [node, chromium];
