// Pages of the scale test: real feeds, each over its own transport, with requests over HTTP/2. A process of its own, because
// Node reads the certificate to trust (NODE_EXTRA_CA_CERTS) when it starts. It answers GET / with what its pages show and
// have shown. world.ts bundles and starts it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pusherJs from 'pusher-js';
import { createTaskFeed } from '../../../client/feed/connect-tasks.ts';
import { isFinished } from '../../../core/tasks/snapshot.ts';
import { ClientObserver, createFindings } from '../../chaos/checks/observer.ts';
import { createHttp2Fetch } from '../../support/http2-fetch.ts';
import type { PageKind, PageReport } from './page-report.ts';

const Pusher = pusherJs as unknown as typeof pusherJs.default;
type PusherOptions = NonNullable<ConstructorParameters<typeof Pusher>[1]>;
type Transport = NonNullable<PusherOptions['enabledTransports']>[number];

const ORIGIN = String(process.env.ORIGIN);

/** What the network of each kind of page lets through. */
const LETS_THROUGH: Readonly<Record<PageKind, readonly Transport[]>> = {
  websocket: ['ws', 'wss', 'xhr_streaming', 'xhr_polling'],
  streaming: ['xhr_streaming', 'xhr_polling'],
  polling: ['xhr_polling'],
};

/** A Pusher class for a network that lets only some transports through. */
function pusherFor(kind: PageKind): typeof Pusher {
  return class extends Pusher {
    constructor(key: string, options: PusherOptions) {
      const wanted = options.enabledTransports ?? LETS_THROUGH.websocket;
      const enabledTransports = wanted.filter((transport) => LETS_THROUGH[kind].includes(transport));
      if (enabledTransports.length === 0) throw new Error('This network lets no WebSocket through.');
      super(key, { ...options, enabledTransports });
    }
  };
}

/** Opens a page; the function that it returns tells what the page shows and has shown. */
function openPage(user: string, kind: PageKind): () => PageReport {
  const findings = createFindings();
  const observer = new ClientObserver(findings, user);
  const { fetch } = createHttp2Fetch(ORIGIN);
  const feed = createTaskFeed({
    url: `${ORIGIN}/tasks`,
    Pusher: pusherFor(kind) as never,
    fetch,
    headers: { 'x-user': user },
  });
  const shownAsEnded = new Map<string, number>();
  const ended = new Set<string>();
  feed.subscribe(() => {
    const { tasks } = feed.getSnapshot();
    observer.check(tasks);
    for (const task of tasks) {
      if (isFinished(task) === ended.has(task.id)) continue;
      if (!isFinished(task)) ended.delete(task.id);
      else {
        ended.add(task.id);
        shownAsEnded.set(task.id, (shownAsEnded.get(task.id) ?? 0) + 1);
      }
    }
  });
  return () => {
    const { tasks, connection } = feed.getSnapshot();
    return {
      user,
      kind,
      connection: connection.status,
      tasks: tasks.map(({ id, status, revision }) => ({ id, status, revision })),
      shownAsEnded: Object.fromEntries(shownAsEnded),
      wrong: [...findings.wentBack, ...findings.completeTooEarly],
    };
  };
}

const pages = JSON.parse(String(process.env.PAGES)) as readonly { readonly user: string; readonly kind: PageKind }[];
const reports = pages.map(({ user, kind }) => openPage(user, kind));
const server = createServer((_req, res) => res.end(JSON.stringify(reports.map((report) => report()))));
server.listen(0, '127.0.0.1', () => console.log(`clients ready ${(server.address() as AddressInfo).port};`));
