import { beforeEach, describe, expect, it } from '@jest/globals';
import { BusHealth, SHARED_PROOF_MS } from './bus-health.ts';

const HOUR_MS = 3_600_000;

// Time, Redis and the bus of a deployment, for all of its processes.
/** In ms. */
let now: number;
/** Until when the proof counts that Redis holds for all processes, in ms. */
let provedUntil: number;
let isRedisAway: boolean;
/** Whether the bus takes events. */
let isBusUp: boolean;
/** Whether something listens at the address of the bus. */
let isListening: boolean;
/** How many probes all processes together have sent. */
let probes: number;

beforeEach(() => {
  now = 0;
  provedUntil = 0;
  probes = 0;
  isRedisAway = false;
  isBusUp = isListening = true;
});

/** Runs a command in the Redis of this test. Throws while it is away. */
async function redis<T>(command: () => T): Promise<T> {
  if (isRedisAway) throw new Error('Redis is away');
  return command();
}

const proof = {
  claim: (ms: number) =>
    redis(() => {
      if (provedUntil > now) return false;
      provedUntil = now + ms;
      return true;
    }),
  give: (ms: number) =>
    redis(() => {
      provedUntil = now + ms;
    }),
  takeAway: () =>
    redis(() => {
      provedUntil = 0;
    }),
};

/** One process, which pushes when told to. */
class Process {
  isDown = false;
  sentAt: number | null = null;
  readonly health = new BusHealth({
    bus: { isReachable: async () => isListening },
    publisher: this,
    proof,
    time: { elapsed: () => now },
  });

  push(): boolean {
    this.isDown = !isBusUp;
    if (isBusUp) this.sentAt = now;
    return isBusUp;
  }

  hasSentWithin(ms: number): boolean {
    return !this.isDown && this.sentAt !== null && this.sentAt > now - ms;
  }

  async probe(): Promise<boolean> {
    if (this.isDown) return false;
    probes += 1;
    return this.push();
  }
}

/** Checks every process every 10 s for `ms`, each at a moment of its own, and at last once more. */
async function checkAll(processes: readonly Process[], ms: number, meanwhile = () => {}): Promise<boolean[]> {
  const answers = () => Promise.all(processes.map(({ health }) => health.check()));
  for (const end = now + ms; now < end; ) {
    for (const one of processes) {
      now += 10_000 / processes.length;
      await one.health.check();
    }
    meanwhile();
  }
  return answers();
}

describe('a health check every 10 s of three processes', () => {
  const deployment = () => [new Process(), new Process(), new Process()];

  it('costs each process one message at its start, and then all together 6 an hour', async () => {
    const processes = deployment();
    await checkAll(processes, 10_000);
    expect(probes).toBe(3);
    await checkAll(processes, 24 * HOUR_MS);
    expect(probes - 3).toBeGreaterThanOrEqual(24 * 6 - 3);
    expect(probes - 3).toBeLessThanOrEqual(24 * 6);
  });

  it('costs nothing while any of them pushes', async () => {
    const processes = deployment();
    await checkAll(processes, 10_000);
    const last = await checkAll(processes, HOUR_MS, () => {
      // One push each 9 minutes: just before the proof of the last one expires.
      if (now % (SHARED_PROOF_MS * 0.9) < 10_000) processes[1]?.push();
    });
    expect(probes).toBe(3);
    expect(last).toEqual([true, true, true]);
  });

  it('says no at once where nothing listens, which costs nothing', async () => {
    const processes = deployment();
    await checkAll(processes, 10_000);
    isListening = false;
    expect(await checkAll(processes, 0)).toEqual([false, false, false]);
    expect(probes).toBe(3);
  });

  it('says no from all of them as soon as one push has failed', async () => {
    const processes = deployment();
    await checkAll(processes, 5 * 60_000);
    isBusUp = false;
    processes[2]?.push();
    expect(await checkAll(processes, 20_000)).toEqual([false, false, false]);
    const asked = probes;
    expect(await checkAll(processes, HOUR_MS)).toEqual([false, false, false]);
    expect(probes).toBe(asked);

    // As each publisher does by itself after a push that failed: it tries again until the bus takes one.
    isBusUp = true;
    for (const one of processes) one.push();
    expect(await checkAll(processes, 0)).toEqual([true, true, true]);
  });

  it('notices a bus that takes no events within 10 minutes, though nothing is pushed', async () => {
    const processes = deployment();
    await checkAll(processes, 10_000);
    isBusUp = false;
    expect(await checkAll(processes, SHARED_PROOF_MS + 20_000)).toEqual([false, false, false]);
  });

  it('costs each process 6 messages an hour while Redis is away', async () => {
    const processes = deployment();
    isRedisAway = true;
    expect(await checkAll(processes, HOUR_MS)).toEqual([true, true, true]);
    expect(probes).toBeLessThanOrEqual(3 + 3 * 6);
  });

  it('lets one process probe when the shared proof expires for all at the same moment', async () => {
    const processes = deployment();
    await checkAll(processes, 10_000);
    now += SHARED_PROOF_MS + 1;
    expect(await Promise.all(processes.map(({ health }) => health.check()))).toEqual([true, true, true]);
    expect(probes).toBe(4);
  });
});

it('a process tests its own credentials at its start, whatever the others have proved', async () => {
  const first = new Process();
  expect(await first.health.check()).toBe(true);
  const second = new Process();
  isBusUp = false;
  expect(await second.health.check()).toBe(false);
  expect(probes).toBe(2);
});
