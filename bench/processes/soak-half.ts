// One half of the application of the soak run, in a process of its own: `server` or `worker`, as the argument says.
import { takeSample } from '../soak/sample.ts';
import { startServerHalf } from '../soak/server-half.ts';
import { startWorkerHalf } from '../soak/worker-half.ts';
import { answerCalls } from './bench-process.ts';

const half = await (process.argv[2] === 'worker' ? startWorkerHalf : startServerHalf)(process.env);

answerCalls({ sample: () => takeSample(half.longLived) }, () => half.close());
