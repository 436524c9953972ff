// API bodies that are refused. None of them harms others: another client, the bystander, still gets its events.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SoketiWithBystander } from '../../test/support/bus/soketi/soketi-with-bystander.ts';

let target: SoketiWithBystander;
beforeAll(async () => {
  target = await SoketiWithBystander.start();
}, 30_000);
afterAll(() => target.stop());

const event = (over: object): string => JSON.stringify({ name: 'n', channel: 'room', data: '{}', ...over });
const batch = (...events: unknown[]): string => JSON.stringify({ batch: events });
const good = { name: 'n', channel: 'room', data: '{}' };

describe('a correctly signed API body', () => {
  it.each<[path: string, name: string, body: string | Uint8Array, status: number]>([
    ['/events', 'nothing', '', 400],
    ['/events', 'not JSON', '{', 400],
    ['/events', 'null', 'null', 400],
    ['/events', 'a number', '1', 400],
    ['/events', 'a list', '[]', 400],
    ['/events', 'an empty object', '{}', 400],
    ['/events', 'bad UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 400],
    ['/events', 'a name of a number', event({ name: 1 }), 400],
    ['/events', 'a name of an object', event({ name: { length: 1 } }), 400],
    ['/events', 'an empty name', event({ name: '' }), 400],
    ['/events', 'a name of 201 characters', event({ name: 'n'.repeat(201) }), 400],
    ['/events', 'no channel', event({ channel: undefined }), 400],
    ['/events', 'a channel of 123', event({ channel: 123 }), 400],
    ['/events', 'a channel of null', event({ channel: null }), 400],
    ['/events', 'a channel of 165 characters', event({ channel: 'c'.repeat(165) }), 400],
    ['/events', 'a channel with a space', event({ channel: 'a b' }), 400],
    ['/events', 'channels in a string', event({ channels: 'room' }), 400],
    ['/events', 'channels in an object', event({ channels: { length: 1 } }), 400],
    ['/events', 'no channels', event({ channels: [] }), 400],
    ['/events', 'channels with null among them', event({ channels: ['room', null] }), 400],
    ['/events', '101 channels', event({ channels: Array.from({ length: 101 }, (_, n) => `c${n}`) }), 400],
    ['/events', 'no data', event({ data: undefined }), 400],
    ['/events', 'data of an object', event({ data: { a: 1 } }), 400],
    [
      '/events',
      'data nested deeply',
      `{"name":"n","channel":"room","data":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      400,
    ],
    ['/events', 'data of 10,241 bytes', event({ data: 'x'.repeat(10_241) }), 413],
    ['/events', 'a body of 2 MB', event({ data: 'x'.repeat(2_000_000) }), 413],
    ['/events', 'a socket id of a number', event({ socket_id: 1 }), 400],
    ['/events', 'a socket id of an object', event({ socket_id: {} }), 400],
    ['/events', '__proto__ with everything in it', `{"__proto__":${event({})}}`, 400],
    ['/batch_events', 'nothing', '', 400],
    ['/batch_events', 'an empty object', '{}', 400],
    ['/batch_events', 'a list', '[]', 400],
    ['/batch_events', 'null', 'null', 400],
    ['/batch_events', 'a batch of null', '{"batch":null}', 400],
    ['/batch_events', 'a batch in an object', '{"batch":{"length":1}}', 400],
    ['/batch_events', 'a batch in a string', '{"batch":"abc"}', 400],
    ['/batch_events', 'a batch of nulls', batch(null), 400],
    ['/batch_events', 'a batch of lists', batch([]), 400],
    ['/batch_events', 'a bad event after a good one', batch(good, { name: 'n' }), 400],
    ['/batch_events', 'eleven events', batch(...Array.from({ length: 11 }, () => good)), 400],
    ['/batch_events', 'one event too big', batch(good, { ...good, data: 'x'.repeat(10_241) }), 413],
    ['/batch_events', 'ten thousand events', batch(...Array.from({ length: 10_000 }, () => good)), 400],
    ['/users/__proto__/terminate_connections', 'null', 'null', 200],
  ])('%s: %s gets its true status and harms nobody', async (path, _name, body, status) => {
    expect((await target.call('POST', path, body)).status).toBe(status);
    await target.expectEventsToFlow();
  });

  it('just within every limit is taken', async () => {
    const body = event({ channels: Array.from({ length: 100 }, (_, n) => `c${n}`), data: 'x'.repeat(10_240) });
    expect(await target.call('POST', '/events', body)).toEqual({ status: 200, body: '{"ok":true}' });
    expect((await target.call('POST', '/batch_events', batch(...Array(10).fill(good)))).status).toBe(200);
  });
});
