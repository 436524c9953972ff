// Hostile WebSocket frames from a stranger, who needs only the public key.
import { FRAMES_OF_BAD_UTF8, HOSTILE_FRAMES } from '../../../support/bus/hostile-frames.ts';
import type { Kind } from '../../kind.ts';
import { openPage, openSocket } from './follower.ts';

export const frames: Kind = {
  name: 'hostile WebSocket frames',
  why: 'no bus for anybody, or a channel of another user',
  success: 'the bus ended, another client disconnected or without events, or the sender let into the channel of a user',
  async run(world, tally) {
    const { demo } = world;
    const pid = demo.stack.services().soketi?.pid;
    const page = await openPage(world, 'frances');
    const all = [...HOSTILE_FRAMES, ...FRAMES_OF_BAD_UTF8];
    for (const [name, content] of all) {
      const hostile = await openSocket(world);
      hostile.sendText(content);
      // The answer to this ping shows that the frame before was handled.
      hostile.sendText({ event: 'pusher:ping', data: {} });
      const deadline = performance.now() + 3_000;
      const isOver = () => hostile.closed || hostile.messages.some(({ event }) => event === 'pusher:pong');
      while (!isOver() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 2));
      const isIn = hostile.messages.some(
        ({ event, channel }) =>
          event === 'pusher_internal:subscription_succeeded' && /^(private|presence)-/.test(channel ?? ''),
      );
      const isDead = demo.stack.services().soketi?.pid !== pid;
      tally.attempt(name, isIn || page.socket.closed || isDead || !isOver());
      hostile.close();
      if (isDead) break;
    }
    const flood = await openSocket(world);
    for (let n = 0; n < 2_000; n++) flood.sendText(all[n % all.length]?.[1]);
    flood.sendBinary('binary');
    flood.sendBytes(Uint8Array.of(0xff, 0xff, 0xff));
    tally.attempt('a flood of frames: a page hears nothing more', !(await page.hearsOfNewTask()));
    tally.attempt('a flood of frames: the bus ended', demo.stack.services().soketi?.pid !== pid);
    flood.close();
    page.socket.close();
  },
};
