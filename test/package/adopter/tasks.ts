import { defineTask } from 'inloop';
import { z } from 'zod';

export const count = defineTask({
  name: 'count',
  input: z.object({ to: z.number() }),
  output: z.object({ counted: z.number() }),
  title: (input) => `Count to ${input.to}`,
  browser: true,
});
