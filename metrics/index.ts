/** `inloop/metrics`: the metrics of a server or worker process for Prometheus, through the adopter's own prom-client. */

export { type MeasuredBackend, type MetricsOptions, registerMetrics } from './register-metrics.ts';
