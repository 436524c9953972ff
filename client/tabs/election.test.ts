// The lease that elects a tab where there are no Web Locks. With Web Locks: shared-pusher.test.ts.
import { describe, expect, it } from '@jest/globals';
import { ManualTiming } from '../test-support/manual-timing.ts';
import { electLeader } from './election.ts';

const items = new Map<string, string>();
const storage = {
  getItem: (key: string) => items.get(key) ?? null,
  setItem: (key: string, value: string) => void items.set(key, value),
};

/** A tab whose clock is `ahead` ms ahead of the others', as if the device's clock had been set after those were loaded. */
class Tab {
  isElected = false;
  readonly timing = new ManualTiming();
  readonly leave: () => void;

  constructor(name: string, ahead: number, chance: number) {
    void this.timing.advance(0);
    const { timing } = this;
    timing.chance = chance;
    this.leave = electLeader({
      name,
      locks: null,
      storage,
      timing: {
        ...timing,
        now: () => timing.now() + ahead,
        setTimeout: (...of) => timing.setTimeout(...of),
        clearTimeout: (of) => timing.clearTimeout(of),
        random: () => timing.random(),
      },
      onElected: () => {
        this.isElected = true;
      },
      onReplaced: () => {
        this.isElected = false;
      },
    });
  }
}

/** Lets `ms` pass in all tabs, in steps of 50 ms. */
async function pass(tabs: readonly Tab[], ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) for (const { timing } of tabs) await timing.advance(50);
}

describe('a lease', () => {
  it.each([[0], [600_000], [-600_000]])(
    'elects one of two tabs whose clocks are %d ms apart, and the other when that is gone',
    async (apart) => {
      const name = `lease-${apart}`;
      const tabs = [new Tab(name, 0, 0.1), new Tab(name, apart, 0.9)] as const;
      await pass(tabs, 3_000);
      const elected = () => tabs.map(({ isElected }) => isElected);
      expect(elected().filter(Boolean)).toHaveLength(1);
      const before = elected();
      await pass(tabs, 10_000);
      expect(elected()).toEqual(before);

      // The elected tab crashes: it gives nothing back, and renews nothing.
      const index = before.indexOf(true);
      const other = tabs[1 - index] as Tab;
      await pass([other], 3_500);
      expect(other.isElected).toBe(true);
      for (const { leave } of tabs) leave();
    },
  );

  it('that was given back is taken at once', async () => {
    const first = new Tab('given', 0, 0.5);
    await pass([first], 1_000);
    first.leave();
    const second = new Tab('given', 0, 0.5);
    await pass([second], 700);
    expect(second.isElected).toBe(true);
    second.leave();
  });
});
