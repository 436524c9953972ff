// A `Time` that stands still until a test moves it, and a way to let promises settle.
export { FakeTime } from '../../../testing/time/fake-time.ts';
export { settlePromises as settled } from '../../../testing/time/real-timers.ts';
