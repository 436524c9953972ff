// The clock of the bench, which is the same in all of its processes.

/** The time in ms by the system's monotonic clock. All processes of one machine read the same time. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Resolves after `ms`. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
