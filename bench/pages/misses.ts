// Why a target may be missed, and what would have to give; shown where one is.

/** By the target it is about. */
export const MISSES: Readonly<Record<string, string>> = {
  'W2 wall × none':
    'What is left is the pushes and the stored steps, at most ten a second, on the loop that does the arithmetic. Fewer pushes a second (`pushesPerSecond`) make it less.',
  'W4 p99 × S1': 'The same: a request that costs more waits longer where server, Redis and the load share two cores.',
  'W3 tasks/s × none':
    'A task is stored three times (accepted, running, outcome) by the same event loop that runs the handlers and by the same two cores that serve server, Redis, Soketi and 200 pages. Storing `running` only with the first progress would save one step, and with it the fence that a second worker meets.',
  'W3 CPU of all processes a task × none':
    'None does nothing but the work, on a quiet machine in well under a millisecond. What comes on top is mostly socket writes and reads: three stored changes, and two events by way of Soketi, which none does not have. A worker that talked to Redis over one connection instead of bee-queue’s and ours would save some of it.',
  'W3 Redis commands run a task, those inside scripts too, beyond none':
    'Three changes with a fenced record, the owner’s lists, the inbox and the sweeper’s marks are these commands; see the list under W3. As clients send them, they are within the target: each change is one script.',
  'W3 outcome p99 below S3’s':
    'The slowest outcomes are those of the first tasks: they meet the thousand `queued` events of a start of 1,000 tasks in one instant, which S3 does not send. And where much is sent outcomes wait up to 25 ms for others to share their request: without that the median was 6 ms in place of 10, and each outcome took a call of its own as soon as tasks did not end in step.',
  'Unloaded outcome p50 × raw trigger':
    'Redis first, push second: the outcome is stored before it is pushed, so a round trip to Redis, on a path that has been idle, comes before all that the raw trigger does.',
  'W4 requests/s × S1':
    'S1 adds a job: one write to Redis. Here the record is written first and the job after it, by two clients, and each user is told of `queued` within their budget. The profile has no hot spot: HTTP’s own writes 16 %, garbage 13 %, the two Redis clients 11 %, Express the rest. Adding the job inside the script that writes the record would save one of the two, and would make us know bee-queue’s keys.',
};
