// Pages of the scale test: real feeds, each over its own transport, with requests over HTTP/2. A process of its own, because
// Node reads the certificate to trust (NODE_EXTRA_CA_CERTS) when it starts. It answers GET / with what its pages show and
// have shown. world.ts bundles and starts it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTaskFeed } from '../../../client/feed/connect-tasks.ts';
import { isFinished } from '../../../core/tasks/snapshot.ts';
import { ClientObserver, createFindings } from '../../chaos/checks/observer.ts';
import { type Network, pusherBehind } from '../../support/bus/network.ts';
import { createHttp2Fetch } from '../../support/http2-fetch.ts';
import type { PageReport } from './page-report.ts';

const ORIGIN = String(process.env.ORIGIN);

/** Opens a page; the function that it returns tells what the page shows and has shown. */
function openPage(user: string, kind: Network): () => PageReport {
  const findings = createFindings();
  const observer = new ClientObserver(findings, user);
  const { fetch } = createHttp2Fetch(ORIGIN);
  const feed = createTaskFeed({
    url: `${ORIGIN}/tasks`,
    Pusher: pusherBehind(kind) as never,
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

const pages = JSON.parse(String(process.env.PAGES)) as readonly { readonly user: string; readonly kind: Network }[];
const reports = pages.map(({ user, kind }) => openPage(user, kind));
const server = createServer((_req, res) => res.end(JSON.stringify(reports.map((report) => report()))));
// The semicolon shows the reader of this line that it has the whole number.
server.listen(0, '127.0.0.1', () => console.log(`clients ready ${(server.address() as AddressInfo).port};`));
