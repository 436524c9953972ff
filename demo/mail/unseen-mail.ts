/**
 * Sends an e-mail about an outcome that its owner has not seen. The worker passes the function to `onUnseen`, which says after
 * how long. Users of the demo have no e-mail address, so one is made of the user's name and MAIL_DOMAIN.
 */

import type { OutcomeSnapshot } from 'inloop';
import type { OutcomeHandler } from 'inloop/worker';
import { createTransport } from 'nodemailer';

export interface UnseenMailOptions {
  /** `smtp://localhost:25`, or `smtps://user:password@host:465`. */
  readonly smtpUrl: string;
  /** After the `@` of every address. */
  readonly domain: string;
}

/** How long the mail server may take, in ms. After that the mail counts as not sent, and inloop tries again later. */
const SMTP_LIMIT_MS = 10_000;

/** @returns what to hand to `worker.onUnseen`; it rejects while the mail server is away, and is called again */
export function createUnseenMail({ smtpUrl, domain }: UnseenMailOptions): OutcomeHandler {
  const transport = createTransport({
    url: smtpUrl,
    connectionTimeout: SMTP_LIMIT_MS,
    greetingTimeout: SMTP_LIMIT_MS,
    socketTimeout: SMTP_LIMIT_MS,
  });
  return async (task, { owner }) => {
    await transport.sendMail({
      from: { name: 'inloop demo', address: `no-reply@${domain}` },
      to: { name: owner, address: `${encodeURIComponent(owner)}@${domain}` },
      // A hook may be called twice for one outcome. Mail programs show mails with the same id once.
      messageId: `<${task.id}@${domain}>`,
      subject: subjectOf(task),
      text: `${subjectOf(task)}.\n\n${detailOf(task)}\n`,
    });
  };
}

function subjectOf({ title, status }: OutcomeSnapshot): string {
  const words = { succeeded: 'is done', failed: 'has failed', cancelled: 'was cancelled' };
  return `${title} ${words[status]}`;
}

function detailOf(task: OutcomeSnapshot): string {
  if (task.status === 'failed') return `${task.error.message} Sign in to try again.`;
  if (task.status === 'cancelled') return 'You, or somebody who is signed in as you, has stopped it.';
  return 'Sign in to see what came of it.';
}
