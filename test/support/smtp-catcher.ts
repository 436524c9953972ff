// A mail server that keeps what it gets, for tests of mails.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { LOOPBACK } from '../../cli/processes/ports.ts';

/** A mail that was taken. */
export interface CaughtMail {
  /** The addresses of the envelope, with commas between them. */
  readonly to: string;
  readonly headers: string;
  readonly body: string;
}

/** A running mail server. */
export interface SmtpCatcher {
  /** `smtp://127.0.0.1:<port>` */
  readonly url: string;
  readonly mails: CaughtMail[];
  /** While it is true, mails are refused. */
  isFull: boolean;
  stop(): Promise<void>;
}

/** Starts it on a free port of loopback. */
export async function startSmtpCatcher(): Promise<SmtpCatcher> {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    async onData(stream, session, done) {
      let text = '';
      for await (const chunk of stream) text += chunk;
      if (catcher.isFull) return done(new Error('mailbox full'));
      const [headers = '', ...body] = text.split('\r\n\r\n');
      const to = session.envelope.rcptTo.map(({ address }) => address).join();
      catcher.mails.push({ to, headers, body: body.join('\r\n\r\n') });
      done();
    },
  });
  server.listen(0, LOOPBACK);
  await once(server.server, 'listening');
  const catcher: SmtpCatcher = {
    url: `smtp://${LOOPBACK}:${(server.server.address() as AddressInfo).port}`,
    mails: [],
    isFull: false,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
  return catcher;
}
