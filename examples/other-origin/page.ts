// The page, at another origin such as https://app.example.com. It shows the tray and starts tasks, with a bearer token.
import { createTaskFeed, type PendingFeed } from 'inloop/client';
import { InloopTray } from 'inloop/element';
import Pusher from 'pusher-js';

/** Shows the tasks of `user` in a tray. @param api the address of the API, like `https://api.example.com` */
export function showTasks(api: string, user: string): PendingFeed {
  let token = '';
  let renewAt = 0;

  /** The header of every request. A token is renewed before it ends; a page may stay open all day. */
  async function headers(): Promise<{ authorization: string }> {
    if (Date.now() >= renewAt) {
      const answer = await fetch(`${api}/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user }),
      });
      const { token: next, seconds } = await answer.json();
      token = next;
      renewAt = Date.now() + (seconds - 60) * 1_000;
    }
    return { authorization: `Bearer ${token}` };
  }

  const feed = createTaskFeed({ url: `${api}/tasks`, Pusher, headers });
  const tray = new InloopTray();
  tray.feed = feed;
  document.body.append(tray);
  return feed;
}
