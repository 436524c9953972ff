// Why a target may be missed, and what would have to give; shown where one is.

/** By the target it is about. */
export const MISSES: Readonly<Record<string, string>> = {
  'W2 wall × none':
    'The calls themselves are 0.2 ms of the second. What is left is the stored and pushed steps, ten a second, on the loop that does the arithmetic (about 10 ms in its profile), and Redis, Soketi and the page at work beside it on two cores. Fewer pushes a second (`pushesPerSecond`) make it less.',
  'W3 tasks/s × none':
    'The twenty handlers of a worker share one event loop: what a task costs there beyond none (about 0.8 ms, a third of it writes to sockets; see the worker’s profile) delays the timers of all twenty. A task is read, started and ended with one round trip to Redis each. To save one, the job would have to carry the record, and could then be older than it.',
  'W3 CPU of all processes a task × none':
    'None does nothing but the work, here in well under a millisecond (peers.md measured 2.1 ms for it, and 3.2 ms for a prototype that stores nothing). What comes on top is mostly writes to sockets and reads from them (see the profiles): three stored changes, and two events by way of Soketi, which none does not have. A worker that talked to Redis over one connection instead of bee-queue’s and ours would save some of it.',
  'W3 Redis commands run a task, those inside scripts too, beyond none':
    'Three changes with a fenced record, the owner’s lists, the inbox and the sweeper’s marks are these commands; see the list under W3. As clients send them, they are within the target: each change is one script.',
  'W3 outcome p99 below S3’s':
    'Nothing holds an outcome back: from the median on it is a few milliseconds. The slowest hundredth is the first twenty tasks, which end while 1,000 are still being accepted: 1,000 `queued` events pass through Soketi and one process that plays 200 pages, and that process alone is busy for 30 to 60 ms at a time then. S3 says nothing when a task is queued. Two requests at a time for states, or one, made no difference. Not to push `queued` would be what has to give.',
  'Unloaded outcome p50 × raw trigger':
    'Redis first, push second. On paths that have been idle for 100 ms the outcome’s round trip to Redis takes 0.7 ms, of which 0.6 are a bare `PING` of the same client; to check the result and decide the change takes 0.3 ms, to hand it on 0.1 ms. The signed request to the bus, which is all that the raw trigger does, is the rest.',
  'W4 requests/s × S1':
    'S1 adds a job: one write to Redis. Here the record is written first and the job after it, by two clients, the answer is the whole snapshot, and each user is told of `queued` within their budget. The server’s profile has no hot spot: writes to sockets 20 % (the answer 14 %, the two Redis clients 6 %), garbage 11 %, Node’s HTTP 15 %, Express and body-parser 17 %, our own code 12 %, bee-queue 6 %. Adding the job inside the script that writes the record would save one of the two writes, and would make us know bee-queue’s keys.',
  'W4 p99 × S1': 'The same: a request that costs more waits longer where server, Redis and the load share two cores.',
};
