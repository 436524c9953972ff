/** Which environment variables `inloop soketi` takes, and which values it refuses. */

import { describe, expect, it } from '@jest/globals';
import { readSoketiSettings } from './soketi-settings.ts';

const VALID = { PUSHER_APP_ID: 'app1', PUSHER_KEY: 'akey', PUSHER_SECRET: 'sabcdefghijklmnopq' };

describe('the settings of inloop soketi', () => {
  it('are those of the application, on loopback unless told otherwise', () => {
    expect(readSoketiSettings(VALID)).toMatchObject({ host: '127.0.0.1', port: 6_001, app: { key: 'akey' } });
  });

  it.each([
    ['PUSHER_SECRET', ''],
    ['PUSHER_SECRET', 'secret-change-me-now'],
    ['PUSHER_SECRET', 'short'],
    ['PUSHER_KEY', '12e4'],
    ['SOKETI_HOST', 'everywhere'],
    ['SOKETI_PORT', '70000'],
    ['SOKETI_DEBUG', '1'],
    ['SOKETI_EVENT_MAX_SIZE_IN_KB', '5'],
    ['SOKETI_SHUTDOWN_GRACE_PERIOD', '3000'],
    ['INLOOP_SOKETI_WEBHOOK', 'app.example'],
  ])('with %s=%p are refused, with the name of the variable in the error', (name, value) => {
    expect(() => readSoketiSettings({ ...VALID, [name]: value })).toThrow(name);
  });
});
