// What a user meets with the demo, from an import to the death of every service: the real stack, a real Chromium. Each test has
// a stack to itself, and they run at the same time on three stacks. The longest are first.
import { afterAll, beforeAll, jest } from '@jest/globals';
import { type SmtpCatcher, startSmtpCatcher } from '../support/smtp-catcher.ts';
import { testBusAway } from './situations/bus-away.ts';
import { testControls } from './situations/controls.ts';
import { testImport } from './situations/import.ts';
import { testPrivacy } from './situations/privacy.ts';
import { testRestarts } from './situations/restarts.ts';
import { testWhileAway } from './situations/while-away.ts';
import { testWorkerKilled } from './situations/worker-killed.ts';
import { useWorlds } from './world.ts';

// Includes the wait for a stack.
jest.setTimeout(180_000);

let smtp: SmtpCatcher;
/** Settings of the stacks: a slow import takes 40 ms a row, and a mail goes out 3 s (0.05 min) after an outcome. */
const env: NodeJS.ProcessEnv = { IMPORT_ROW_DELAY_MS: '40', MAIL_DOMAIN: 'example.org', MAIL_AFTER_MINUTES: '0.05' };
// Registered before `useWorlds`, which starts the stacks with this environment.
beforeAll(async () => {
  smtp = await startSmtpCatcher();
  env.SMTP_URL = smtp.url;
});
const inWorld = useWorlds(3, env);
afterAll(() => smtp.stop());

testBusAway(inWorld);
testRestarts(inWorld);
testWorkerKilled(inWorld);
testImport(inWorld);
testControls(inWorld);
testWhileAway(inWorld, () => smtp.mails);
testPrivacy(inWorld);
