/** `inloop/operator`: a page for those who run the application, mounted in an Express app. */

export { createOperator, type Operator } from './create-operator.ts';
export type { Allow, Allowed, OperatorOptions } from './options.ts';
