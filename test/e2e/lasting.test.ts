/**
 * The demo while something lasts: WebSockets are blocked, or trouble was made on its page. The tests mostly wait, so they run at
 * the same time, the longest first.
 *
 * @at-once 6
 */
import { testNoWebSockets } from './lasting/no-websockets.ts';
import { testTrouble } from './lasting/trouble.ts';

// One test without WebSockets promises times in seconds. The tests of trouble
// make the machine busy, so they start when that test does nothing but wait.
const { untilQuiet } = testNoWebSockets();
testTrouble(untilQuiet);
