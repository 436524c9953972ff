// The worker process of the fault tests. Bundled and started by use-fault-workers.ts.
import { runFaultWorker } from './run-fault-worker.ts';

await runFaultWorker();
