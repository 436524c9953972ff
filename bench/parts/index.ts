// All parts of the bench, in the order in which they run and stand in docs/performance.md.
import type { Part } from '../part.ts';
import { accepting } from './comparisons/accepting.ts';
import { cpuWork, noWork } from './comparisons/handler-time.ts';
import { manyUsers } from './comparisons/many-users.ts';
import { outcomeDelay } from './comparisons/outcome-delay.ts';
import { bareParts } from './explanations/bare-parts.ts';
import { profile } from './explanations/profile.ts';
import { transports } from './explanations/transports.ts';
import { burst } from './limits/burst.ts';
import { growth } from './limits/growth.ts';
import { line } from './limits/line.ts';
import { oneMinute } from './limits/one-minute.ts';
import { pace } from './limits/pace.ts';
import { progressCall } from './limits/progress-call.ts';
import { returningPages } from './limits/returning-pages.ts';

export const PARTS: readonly Part<unknown>[] = [
  // inloop beside the other stacks.
  noWork,
  cpuWork,
  manyUsers,
  accepting,
  outcomeDelay,
  // inloop alone, against limits that were promised.
  progressCall,
  pace,
  oneMinute,
  growth,
  burst,
  line,
  returningPages,
  // What explains the figures.
  profile,
  bareParts,
  transports,
];
