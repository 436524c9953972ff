/**
 * Situations of push that take up to half a minute, in which nothing happens most of the time. Each has parts of its own, and
 * they happen at the same time, the longest first.
 *
 * @at-once 5
 */
import { testEncryptionSwitchedOn } from './waits/encryption-switched-on.ts';
import { testFeedOutage } from './waits/feed-outage.ts';
import { testHostedBrowser } from './waits/hosted-browser.ts';
import { testQuota } from './waits/quota.ts';

testQuota();
testEncryptionSwitchedOn();
testHostedBrowser();
testFeedOutage();
