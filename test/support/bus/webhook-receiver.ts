// Receives the webhooks of a bus in the process of the tests.
import { text } from 'node:stream/consumers';
import { startHttpServer } from '../http-server.ts';

/** A running receiver. */
export interface WebhookReceiver {
  /** Where the bus is to send its webhooks. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts one on a free port of loopback. `onWebhook` gets the body of each webhook, and its signature if it has one. */
export async function startWebhookReceiver(
  onWebhook: (body: string, signature: string | undefined) => void,
): Promise<WebhookReceiver> {
  const { url, close } = await startHttpServer(async (request, response) => {
    onWebhook(await text(request), request.headers['x-pusher-signature'] as string | undefined);
    response.end();
  });
  return { url: `${url}/`, close };
}
