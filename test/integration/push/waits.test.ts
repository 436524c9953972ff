// Situations of push that take up to half a minute, in which nothing happens most of the time. Each has parts of its own, and they
// happen at the same time, the longest first.
import { testFeedOutage } from './waits/feed-outage.ts';
import { testQuota } from './waits/quota.ts';

testQuota();
testFeedOutage();
