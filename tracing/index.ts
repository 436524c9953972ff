/** `inloop/tracing`: the tasks of a server or worker process as traces, through the adopter's own OpenTelemetry. */

export { type TracingOptions, traceTasks } from './trace-tasks.ts';
