// Why a target may be missed, and what would have to give; shown where one is.

/** By the target it is about. */
export const MISSES: Readonly<Record<string, string>> = {
  'W2 wall × none':
    'The calls themselves are 0.2 ms of the second. What is left is the stored and pushed steps, ten a second, on the loop that does the arithmetic (see “Worker under W2”: what is not the bench’s own), and Redis, Soketi and the page at work beside it on two cores, which slow the arithmetic itself; from run to run it is 0.99 to 1.06 here. Fewer pushes a second (`pushesPerSecond`) make it less.',
  'W3 tasks/s × none':
    'The twenty handlers of a worker share one event loop: what a task costs there beyond none (see the worker’s profile: writes to sockets, most of all) delays the timers of all twenty. A task is read, started and ended with one round trip to Redis each. To save one, the job would have to carry the record, and could then be older than it.',
  'W3 CPU of all processes a task × none':
    'None does nothing but the work, here in well under a millisecond (peers.md measured 2.1 ms for it, and 3.2 ms for a prototype that stores nothing). What comes on top is a little more than 1 ms: three stored changes, and two events by way of Soketi, which none does not have (see CPU by process under W3). In the worker’s profile it is writes to sockets and reads from them before all: bee-queue’s client and ours, of which each write may wake Redis, and the requests to Soketi. One client for both, whose writing we controlled, would save some of it; twice none would leave 0.7 to 0.9 ms, of which Soketi alone takes a third.',
  'W3 Redis commands run a task, those inside scripts too, beyond none':
    'Three changes with a fenced record, the owner’s lists, the inbox and the mark of what was not pushed are these commands; see the list under W3. As clients send them, they are well within the target: each change is one script, and the first adds the job too.',
  'W3 outcome p99 below S3’s':
    'Nothing holds an outcome back: from the median on it is a few milliseconds. The slowest hundredth is the first twenty tasks, which end while 1,000 `queued` events pass through Soketi and one process that plays 200 pages; that process alone is busy for 30 to 60 ms at a time then. After them the slowest are 10 to 16 ms: twenty tasks that end in one tick are two requests of ten events, where S3 has a socket of its own to its server. S3 says nothing when a task is queued. Two requests at a time for states, or one, made no difference. Not to push `queued`, and a request for each outcome, would be what has to give.',
  'Unloaded outcome p50 × raw trigger':
    'Redis first, push second. On paths that have been idle for 100 ms the outcome’s round trip to Redis takes 0.7 ms, of which 0.6 are a bare `PING` of the same client; to check the result and decide the change takes 0.3 ms, to hand it on 0.1 ms. The signed request to the bus, which is all that the raw trigger does, is the rest.',
  'W4 requests/s × S1':
    'A request costs the server about the same as S1’s (see CPU by process under W4; its profile is at “Server under W4” and has no hot spot), but its event loop is busy less of the time. It waits for Redis, which does more for it: S1 adds a job, and here the same step stores the record and the owner’s lists, 1.1 KB in the append-only file instead of 0.4. And Soketi and the pages, told of `queued` ten times a second for each user, take their part of the two cores. To push no `queued` gave about 10 % more requests when it was tried; that, or the stored record, would have to give.',
  'W4 p99 × S1': 'The same: a request that costs more waits longer where server, Redis and the load share two cores.',
};
