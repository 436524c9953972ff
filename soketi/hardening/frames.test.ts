// Bad WebSocket frames harm nobody but their sender: Soketi stays up, and another client, the bystander, still gets its events.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FRAMES_OF_BAD_UTF8, HOSTILE_FRAMES } from '../../test/support/bus/hostile-frames.ts';
import { RawWebSocket } from '../../test/support/bus/raw-websocket.ts';
import { SoketiWithBystander } from '../../test/support/bus/soketi/soketi-with-bystander.ts';
import { eventually } from '../../test/support/eventually.ts';

let target: SoketiWithBystander;
beforeAll(async () => {
  target = await SoketiWithBystander.start();
}, 30_000);
afterAll(() => target.stop());

describe.each([
  ['before authorization', () => target.open()],
  ['after authorization', () => target.join('private-user-bob')],
])('a hostile frame %s', (_when, connect) => {
  let hostile: RawWebSocket;
  beforeEach(async () => {
    hostile = await connect();
  });
  afterEach(() => hostile.close());

  it.each(HOSTILE_FRAMES)('%s harms nobody', async (_name, content) => {
    const before = hostile.messages.length;
    hostile.sendText(content);
    await eventually(() => hostile.closed || hostile.messages.length > before, { that: 'an answer or a close' });
    const answers = hostile.messages.slice(before).map((message) => message.event);
    for (const answer of answers) expect(['pusher:error', 'pusher:subscription_error']).toContain(answer);
    // A client that slipped once can still go on.
    if (!hostile.closed) {
      hostile.sendText({ event: 'pusher:ping', data: {} });
      await hostile.receive((message) => message.event === 'pusher:pong');
    }
    await target.expectEventsToFlow();
  });

  it.each(FRAMES_OF_BAD_UTF8)('bad UTF-8: %s harms nobody', async (_name, content) => {
    const before = hostile.messages.length;
    hostile.sendText(content);
    await eventually(() => hostile.closed || hostile.messages.length > before, { that: 'an answer or a close' });
    await target.expectEventsToFlow();
  });

  it('binary frames are refused, whatever is in them', async () => {
    hostile.sendBinary(JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'room' } }));
    hostile.sendBinary(Uint8Array.of(0, 255, 254));
    await eventually(() => hostile.messages.filter(({ event }) => event === 'pusher:error').length === 2);
    await target.expectEventsToFlow();
  });

  it('a frame beyond 64 KiB closes its own connection only', async () => {
    hostile.sendText(`{"event":"pusher:ping","data":"${'x'.repeat(200_000)}"}`);
    await eventually(() => hostile.closed);
    await target.expectEventsToFlow();
  });

  it('bytes that are no WebSocket frame close their own connection only', async () => {
    hostile.sendBytes(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await eventually(() => hostile.closed);
    await target.expectEventsToFlow();
  });

  it('a thousand bad frames at once are all answered', async () => {
    for (let n = 0; n < 1_000; n++) hostile.sendText({ event: 'pusher:subscribe' });
    await eventually(
      () => hostile.closed || hostile.messages.filter((m) => m.event === 'pusher:error').length >= 1_000,
    );
    await target.expectEventsToFlow();
  });
});

describe('well-formed frames', () => {
  it('that leave a channel never joined, or join one twice, call no webhook', async () => {
    const hostile = await target.open();
    hostile.sendText({ event: 'pusher:unsubscribe', data: { channel: 'never-joined' } });
    for (let n = 0; n < 3; n++) hostile.sendText({ event: 'pusher:subscribe', data: { channel: 'twice' } });
    await eventually(() => hostile.messages.filter(({ event }) => event === 'pusher:error').length === 2);
    // Webhooks leave in order of their channels' changes, so when this one is here the others would be, too.
    hostile.close();
    await eventually(() => target.webhooks.names.includes('channel_vacated twice'));
    expect(target.webhooks.names.filter((name) => name === 'channel_occupied twice')).toHaveLength(1);
    expect(target.webhooks.names).not.toContain('channel_vacated never-joined');
  });

  it('to an application that does not exist get 4001', async () => {
    const stranger = await RawWebSocket.open(target.soketi.pusher.port, 'nobody');
    stranger.sendText({ event: 'pusher:subscribe', data: { channel: 'room' } });
    const { data } = await stranger.receive(({ event }) => event === 'pusher:error');
    expect(data).toMatchObject({ code: 4001 });
    await target.expectEventsToFlow();
  });
});
