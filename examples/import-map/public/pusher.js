// pusher-js has no ES module. Its script for browsers sets `Pusher` on the window.
import '/modules/pusher-js/dist/web/pusher.min.js';

export default window.Pusher;
