/**
 * The demo while something lasts: WebSockets are blocked, or trouble was made on its page. The tests mostly wait, so they run at
 * the same time, the longest first.
 *
 * @at-once 6
 */
import { testNoWebSockets } from './lasting/no-websockets.ts';
import { testTrouble } from './lasting/trouble.ts';

const { untilQuiet } = testNoWebSockets();
testTrouble(untilQuiet);
