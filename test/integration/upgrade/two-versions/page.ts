// Pages that follow the tasks of a user each. Bundled with the `inloop` of each version by world.ts. The process answers GET /
// with what its pages have shown.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTaskFeed } from 'inloop/client';
import { pusherBehind } from '../../../support/bus/network.ts';
import type { PageOptions, PageReport, Shown } from './page-report.ts';

/** Opens a page; the function that it returns tells what the page has shown. */
function openPage({ url, user, network }: PageOptions): () => PageReport {
  const feed = createTaskFeed({
    url: `${url}/tasks`,
    Pusher: pusherBehind(network) as never,
    headers: { 'x-user': user },
  });
  const shown: Record<string, Shown[]> = {};
  feed.subscribe(() => {
    for (const { id, status, revision, progress } of feed.getSnapshot().tasks) {
      shown[id] ??= [];
      if (shown[id].at(-1)?.revision !== revision) shown[id].push({ status, revision, done: progress?.done ?? 0 });
    }
  });
  return () => ({ user, connection: feed.getSnapshot().connection.status, shown });
}

const reports = (JSON.parse(String(process.env.PAGES)) as readonly PageOptions[]).map(openPage);
const server = createServer((_req, res) => res.end(JSON.stringify(reports.map((report) => report()))));
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}\npage ready`));
