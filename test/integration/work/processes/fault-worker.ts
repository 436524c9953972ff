// The worker process of the fault tests, of the scale test and of mistakes.test.ts, which bundle and start it.
import { runFaultWorker } from './run-fault-worker.ts';

await runFaultWorker();
