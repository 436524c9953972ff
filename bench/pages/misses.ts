// Explanations for targets that may be missed, by the name of the target. docs/performance.md shows those of the targets that
// were missed.

/** For each such target: why it may be missed, and what meeting it would cost. */
export const MISSES: Readonly<Record<string, string>> = {
  'cpu-work: time in the handler × queue-only':
    'The calls of `task.progress` take 0.2 ms of the second. The rest has two causes. The worker looks at what its page shows, and stores and pushes its steps, on the event loop that does the arithmetic (see “Worker during cpu-work”: the share that is not the bench’s own). And Redis, Soketi and the page run beside it on two cores, which slows the arithmetic itself. From run to run the ratio is 0.99 to 1.06 here. A coarser `accuracy` lowers it.',
  'many-users: tasks/s × queue-only':
    'The twenty handlers of a worker share one event loop. What a task costs there beyond queue-only (mostly writes to sockets, see the profile of the worker) delays the timers of all twenty. Reading, starting and ending a task take one round trip to Redis each. Saving one of them would mean that the job carries the record, which could then be older than the stored one.',
  'many-users: CPU of all processes a task × queue-only':
    'queue-only does nothing but the work, in less than 1 ms of CPU. inloop adds a little more than 1 ms: three stored changes, and two events through Soketi, which queue-only does not have (see the CPU by process under many-users). In the profile of the worker most of it is reading from and writing to sockets: the connections to Redis of the queue and of the store, and the requests to Soketi. One connection for both would save a part. The target leaves 0.7 to 0.9 ms, and Soketi alone takes a third of that.',
  'many-users: Redis commands run a task (with those inside scripts) beyond queue-only':
    'The commands are listed under many-users. They are three changes of the task: each writes the record and compares its revision, and some also write the owner’s lists, the inbox and the mark of what was not pushed. Counted as clients send them, they are well below the target: each change is one script, and the first one also adds the job.',
  'many-users: outcome p99 below bullmq-socketio’s':
    'Nothing holds an outcome back: the median is a few milliseconds. The slowest hundredth are the first twenty tasks. They end while 1,000 `queued` events pass through Soketi and through the one process that plays 200 pages, which is then busy for 30 to 60 ms at a time. Of the later tasks the slowest take 10 to 16 ms: twenty tasks that end together are two requests of ten events, while bullmq-socketio has an open socket from its server to each page and sends nothing when a task is queued. Whether two requests for other states may run at a time, or one, made no difference. Meeting the target would mean not pushing `queued`, and sending a request for each outcome.',
  'line: take × the same in an empty line':
    'Where nobody waits, the job lies in bee-queue’s list, and one command takes it. In a line, the script that takes it looks up whose turn it is, takes that owner’s first job, and puts the owner back for the next turn: six steps in Redis, about 10 µs more. The rest of the time is the way to Redis and back. It does not grow with the line. A worker that has room for several tasks takes them in one call, with about two steps for each. Meeting the target would mean to lay jobs out before they are asked for, which holds the first task of another owner back by as many.',
  'pace: messages a minute, median':
    'Half of the kinds of work are uneven on purpose. What a message tells of them is right only until the pace changes, and then a message is due. Work of an even pace takes 8 to 11.',
  'growth: messages a task-second, 1 to 10,000 active tasks':
    'A task of 20 s takes four messages where nothing slows it: queued, the first step, a sign of life, the outcome. With 1,000 tasks that start and end at once on two cores, beside other work, there were two or three more. Probably handlers came late: then the pace of their tasks really changes, and pages are told so.',
  'growth: CPU a task-second, 10² to 10⁶ elements':
    'The figure is inloop less queue-only. A million elements in 8 s are 125,000 calls of `task.progress` a second for each task. At 0.01 to 0.02 µs each, with the loop around it (progress-call), they cost about as much as the last row has more. While inloop sent ten messages a second, 6 ms for these hid them. The messages do not grow.',
  'outcome-delay: p50 × a bare `pusher.trigger`':
    'An outcome is stored before it is pushed. On connections that were idle for 100 ms the round trip to Redis takes 0.7 ms, of which 0.6 ms are what a bare `PING` of the same client takes. Checking the result and deciding the change takes 0.3 ms, handing it on 0.1 ms. The rest is the signed request to the bus, which is all that a bare trigger does.',
  'accepting: requests/s × pusher-per-element':
    'A request costs the server about as much CPU as in pusher-per-element (see the CPU by process under accepting; the profile “Server during accepting” has no hot spot), but the event loop of the server is busy for less of the time. It waits for Redis, which does more: pusher-per-element adds a job, while inloop also stores the record and the owner’s lists in the same step, 1.1 KB in the append-only file instead of 0.4 KB. Soketi and the pages, which get `queued` ten times a second for each user, take their part of the two cores. Without pushing `queued` there were about 10 % more requests a second. Meeting the target would mean giving up that push, or the stored record.',
  'accepting: p99 × pusher-per-element':
    'As for requests/s: a request that costs more waits longer when server, Redis and the load share two cores.',
};
