// The clock that all processes of the bench share.

/** Milliseconds of the system's monotonic clock, which every process of one machine reads alike. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
