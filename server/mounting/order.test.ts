import { describe, expect, it } from '@jest/globals';
import { Events } from '../../backend/events/events.ts';
import { recordLog } from '../../test/support/log.ts';
import { MountingOrder } from './order.ts';

/** What notices webhooks that do not come, and its log lines. */
function setUp() {
  const log = recordLog();
  return { order: new MountingOrder(new Events(log), null), lines: () => log.lines.map(({ message }) => message) };
}

describe('webhooks that do not come', () => {
  it('are reported once, after ten channels and a minute', () => {
    const { order, lines } = setUp();
    for (let n = 0; n < 20; n++) order.noteAuthorized(n * 3_000);
    expect(lines()).toEqual([]);
    order.noteAuthorized(60_000);
    order.noteAuthorized(61_000);
    expect(lines()).toEqual([expect.stringMatching(/^No webhook .* mount tasks\.webhook before that\.$/)]);
  });

  it('are not reported while few pages have come, or once a webhook has come', () => {
    const { order, lines } = setUp();
    for (let n = 0; n < 9; n++) order.noteAuthorized(n * 100_000);
    order.noteWebhook();
    for (let n = 9; n < 99; n++) order.noteAuthorized(n * 100_000);
    expect(lines()).toEqual([]);
  });
});
