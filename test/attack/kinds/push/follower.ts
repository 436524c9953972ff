// A user with an open page in the demo during an attack: connected by WebSocket, in their own channel.
import { type PusherMessage, RawWebSocket } from '../../../support/bus/raw-websocket.ts';
import type { World } from '../../world.ts';

/** Opens a connection to the demo's Soketi, in no channel. */
export async function openSocket({ demo }: World): Promise<RawWebSocket> {
  const socket = await RawWebSocket.open(demo.stack.services().soketi?.port ?? 0, demo.credentials.app.key);
  await socket.socketId();
  return socket;
}

export interface PageOpen {
  readonly cookie: string;
  readonly socket: RawWebSocket;
  /** Starts an export and waits for its outcome on the socket; false if it does not come within 8 s. */
  hearsOfNewTask(): Promise<boolean>;
}

/** Signs `user` in and enters their channel. */
export async function openPage(world: World, user: string): Promise<PageOpen> {
  const { demo } = world;
  const cookie = await demo.signIn(user);
  const socket = await openSocket(world);
  const channel = `private-user-${user}`;
  const { body } = await demo.call(cookie, '/tasks/auth', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `socket_id=${await socket.socketId()}&channel_name=${channel}`,
  });
  const { auth } = JSON.parse(body) as { auth: string };
  socket.sendText({ event: 'pusher:subscribe', data: { channel, auth } });
  await socket.receive(({ event }) => event === 'pusher_internal:subscription_succeeded', 'being let in');
  return {
    cookie,
    socket,
    async hearsOfNewTask() {
      const { body } = await demo.call(cookie, '/reports', { method: 'POST' });
      const { id } = JSON.parse(body) as { id: string };
      const isIt = ({ event, data }: PusherMessage): boolean => event === 'task.succeeded' && String(data).includes(id);
      const deadline = performance.now() + 8_000;
      while (performance.now() < deadline && !socket.closed) {
        if (socket.messages.some(isIt)) return true;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return false;
    },
  };
}
