import { defineTask } from 'inloop';
import { z } from 'zod';

/** Pages may start it: `browser: true`. */
export const buildReport = defineTask({
  name: 'build-report',
  input: z.object({ month: z.string() }),
  title: ({ month }) => `Report of ${month}`,
  browser: true,
});
