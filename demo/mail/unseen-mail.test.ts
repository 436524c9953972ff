import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { OutcomeSnapshot } from 'inloop';
import { type SmtpCatcher, startSmtpCatcher } from '../../test/support/smtp-catcher.ts';
import { createUnseenMail } from './unseen-mail.ts';

let smtp: SmtpCatcher;
beforeAll(async () => {
  smtp = await startSmtpCatcher();
});
beforeEach(() => {
  smtp.mails.length = 0;
  smtp.isFull = false;
});
afterAll(() => smtp.stop());

const outcome = (over: object) => ({ id: '01a2', title: 'Import people.csv', ...over }) as unknown as OutcomeSnapshot;
const succeeded = outcome({ status: 'succeeded', result: { imported: 3 } });
const send = (task: OutcomeSnapshot, owner = 'ada', url = smtp.url) =>
  createUnseenMail({ smtpUrl: url, domain: 'example.org' })(task, {
    owner,
    tries: 1,
    signal: AbortSignal.timeout(9_000),
  });

describe('the mail about an outcome that nobody saw', () => {
  it.each([
    [succeeded, 'Import people.csv is done', 'Sign in to see what came of it.'],
    [
      outcome({ status: 'failed', error: { message: 'Row 7 is broken.' } }),
      'Import people.csv has failed',
      'Row 7 is broken.',
    ],
    [outcome({ status: 'cancelled' }), 'Import people.csv was cancelled', 'has stopped it'],
  ])('says how the task ended: %#', async (task, subject, detail) => {
    await send(task);
    expect(smtp.mails).toHaveLength(1);
    expect(smtp.mails[0]?.to).toBe('ada@example.org');
    expect(smtp.mails[0]?.headers).toContain(`Subject: ${subject}`);
    expect(smtp.mails[0]?.body).toContain(detail);
    expect(smtp.mails[0]?.headers).toContain('Message-ID: <01a2@example.org>');
  });

  it('goes to one address only, whatever the name of the user and the title of the task', async () => {
    const title = 'Import x\r\nBcc: eve@evil.test\r\n\r\n.csv';
    await send(outcome({ status: 'succeeded', title }), 'zoë, eve@evil.test\r\nCc: <eve@evil.test>');
    expect(smtp.mails).toHaveLength(1);
    expect(smtp.mails[0]?.to).toMatch(/^[^,@<>\s]+@example\.org$/);
    expect(smtp.mails[0]?.headers).not.toMatch(/^(bcc|cc):/im);
  });

  it('fails while the mail server refuses it or is away, so that it is sent later', async () => {
    smtp.isFull = true;
    await expect(send(succeeded)).rejects.toThrow('mailbox full');
    await expect(send(succeeded, 'ada', 'smtp://127.0.0.1:1')).rejects.toThrow('ECONNREFUSED');
    smtp.isFull = false;
    await send(succeeded);
    expect(smtp.mails).toHaveLength(1);
  });
});
