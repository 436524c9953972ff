// The class of pusher-js, for clients that a test opens in Node.
import pusherJs from 'pusher-js';

// The types of pusher-js say that the class is its module's `default`; in Node it is the module itself.
export const Pusher = pusherJs as unknown as typeof pusherJs.default;
export type Pusher = InstanceType<typeof Pusher>;
