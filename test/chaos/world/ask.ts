// Asks the server of the chaos run as a user.
import { setTimeout as pause } from 'node:timers/promises';

/** Sends a GET request; again while the server is being restarted. Rejects after 50 tries, which take 10 s. */
export async function ask(url: string, user: string): Promise<Response> {
  for (let tries = 1; ; tries++) {
    try {
      return await fetch(url, { headers: { 'x-user': user } });
    } catch (error) {
      if (tries === 50) throw error;
      await pause(200);
    }
  }
}
