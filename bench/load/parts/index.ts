// All parts of the load run, in the order in which they run and stand in docs/capacity.md.
import type { Part } from '../../part.ts';
import { connections } from './connections.ts';
import { memory } from './memory.ts';
import { soak } from './soak.ts';
import { pushes, requests, tasks } from './throughput.ts';

export const LOAD_PARTS: readonly Part<unknown>[] = [connections, requests, tasks, pushes, memory, soak];
