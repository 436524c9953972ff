// Strangers with only the public key try to enter channels that belong to no user. Each channel would leave a key in Redis.
import { setTimeout as pause } from 'node:timers/promises';
import type { Kind } from '../../kind.ts';
import { openSocket } from './follower.ts';

const SOCKETS = 4;

export const madeUpChannels: Kind = {
  name: 'made-up channels',
  why: 'a full Redis and a full bus, for a day',
  success: 'being let into a channel that belongs to no user, or a key in Redis that names it',
  async run(world, tally) {
    const each = world.isShort ? 250 : 2_500;
    const mark = `made${Date.now()}`;
    const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => openSocket(world)));
    for (const [index, socket] of sockets.entries()) {
      for (let n = 0; n < each; n++) {
        const name = `${mark}-${index}-${n}`;
        const channel = [name, `user-${name}`, `cache-${name}`, `private-user-${name}`, `presence-${name}`][n % 5];
        socket.sendText({ event: 'pusher:subscribe', data: { channel, auth: 'a:b', channel_data: '{"user_id":"1"}' } });
      }
      socket.sendText({ event: 'pusher:ping', data: {} });
    }
    const isOver = () =>
      sockets.every((socket) => socket.closed || socket.messages.some(({ event }) => event === 'pusher:pong'));
    for (let n = 0; n < 500 && !isOver(); n++) await pause(20);
    // Webhooks are sent in batches of 50 ms, so their keys would be there within a second.
    await pause(1_000);
    const entered = sockets.flatMap(({ messages }) =>
      messages.filter(({ event }) => event === 'pusher_internal:subscription_succeeded'),
    );
    for (let n = 0; n < SOCKETS * each; n++) tally.attempt(`into ${entered[n]?.channel}`, entered[n] !== undefined);
    const keys = await world.demo.keysWith(mark);
    for (const key of keys) tally.attempt(`a key: ${key}`, true);
    tally.attempt('keys in Redis', keys.length > 0);
    for (const socket of sockets) socket.close();
  },
};
