// Definitions with three libraries of schemas. Each knows the type of its input, and refuses a wrong one.
import { type } from 'arktype';
import { defineTask, type InputOf } from 'inloop';
import * as v from 'valibot';
import { z } from 'zod';

const byZod = defineTask({ name: 'by-zod', input: z.object({ to: z.number() }) });
const byValibot = defineTask({ name: 'by-valibot', input: v.object({ to: v.number() }) });
const byArktype = defineTask({ name: 'by-arktype', input: type({ to: 'number' }) });

const inputs: [InputOf<typeof byZod>, InputOf<typeof byValibot>, InputOf<typeof byArktype>] = [
  { to: 1 },
  { to: 2 },
  { to: 3 },
];
// @ts-expect-error: not a number
inputs[0].to = 'one';
// @ts-expect-error: not a number
inputs[1].to = 'two';
// @ts-expect-error: not a number
inputs[2].to = 'three';

export { byArktype, byValibot, byZod, inputs };
