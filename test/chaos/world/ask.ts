// Asks the server of the chaos run as a user.
import { pause } from './world.ts';

/** Asks again while the server is being restarted. */
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
