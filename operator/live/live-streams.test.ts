// The stream of changes, on a real Redis, with a real server and a real worker.
import { describe, expect, it } from '@jest/globals';
import type { LiveEvents } from '../../core/operator/calls.ts';
import { eventually } from '../../test/support/eventually.ts';
import { useOperator } from '../../test/support/operator/operator-world.ts';

const world = useOperator();

/** A stream that the test listens to, and the events that it brought so far. */
interface Heard {
  readonly response: Response;
  readonly events: { readonly event: keyof LiveEvents; readonly data: Record<string, unknown> }[];
  readonly isOver: () => boolean;
  close(): void;
}

/** @param task that the page shows */
async function listen(url: string, task = ''): Promise<Heard> {
  const leave = new AbortController();
  const query = task && `?task=${task}`;
  const response = await fetch(`${url}/api/live${query}`, { headers: { 'x-role': 'view' }, signal: leave.signal });
  const events: Heard['events'] = [];
  let isOver = false;
  void read(response, events)
    .catch(() => undefined)
    .then(() => {
      isOver = true;
    });
  return { response, events, isOver: () => isOver, close: () => leave.abort() };
}

async function read({ body }: Response, events: Heard['events']): Promise<void> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body as ReadableStream<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const messages = text.split('\n\n');
    text = messages.pop() ?? '';
    for (const message of messages) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(message) ?? [];
      if (event && data) events.push({ event: event as keyof LiveEvents, data: JSON.parse(data) });
    }
  }
}

describe('the live stream', () => {
  it('begins with the overview, and tells what changes', async () => {
    const stream = await listen(world.url);
    expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
    // A middleware that compresses would hold the events back.
    expect(stream.response.headers.get('cache-control')).toContain('no-transform');
    await eventually(() => expect(stream.events[0]?.event).toBe('overview'));
    const { id } = await world.start({ holds: true });
    await eventually(() => expect(stream.events.map(({ event }) => event)).toContain('changed'));
    await eventually(() => {
      const last = stream.events.findLast(({ event }) => event === 'overview')
        ?.data as unknown as LiveEvents['overview'];
      expect(last.definitions.find(({ name }) => name === 'work')?.counts.running).toBe(1);
    });
    world.letGo(id);
    stream.close();
  });

  it('tells of a new revision of the task that the page shows', async () => {
    const { id } = await world.start({ holds: true });
    await world.reaches(id, 'running');
    const { events, close } = await listen(world.url, id);
    await eventually(() => expect(events).toHaveLength(1));
    world.letGo(id);
    const told = await eventually(() => events.find(({ event }) => event === 'task'));
    expect(told.data).toEqual({ id, revision: expect.any(Number) });
    close();
  });

  it('is limited in number, and a page that is closed makes room', async () => {
    const other = await world.mount();
    // All are opened at once. So the first check lets all of them in, since none is counted yet. The second check counts.
    const streams = await Promise.all(Array.from({ length: 110 }, () => listen(other.url)));
    const open = streams.filter(({ response }) => response.ok);
    expect(open).toHaveLength(100);
    for (const { response } of streams.filter((stream) => !open.includes(stream))) {
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '10']);
    }
    open[0]?.close();
    await eventually(async () => (await listen(other.url)).response.status === 200);
    for (const { close } of streams) close();
    await other.close();
  });

  it('ends when the page is taken down', async () => {
    const other = await world.mount();
    const stream = await listen(other.url);
    await eventually(() => stream.events.length > 0);
    await other.close();
    await eventually(stream.isOver);
  });
});
