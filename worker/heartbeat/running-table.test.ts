import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { RunningTable, SLOT } from './running-table.ts';

/** A table, and a reader of its tasks, which learns of the memory as the watchdog thread does. */
function createTable() {
  let told = { slots: Buffer.alloc(0) as Buffer, names: [] as readonly string[], times: 0 };
  const table = new RunningTable((memory, names) => {
    told = { slots: Buffer.from(memory), names: structuredClone(names), times: told.times + 1 };
  });
  const read = () => {
    const { slots, names } = told;
    const running = [];
    for (let at = 0; at < slots.length; at += SLOT.bytes) {
      const deadline = slots.readDoubleLE(at + SLOT.deadline);
      const id = slots.toString('latin1', at + SLOT.id, at + SLOT.bytes);
      if (deadline > 0) running.push({ id, name: names[slots.readUInt32LE(at + SLOT.name)], deadline });
    }
    return running;
  };
  return { table, read, timesTold: () => told.times };
}

/** The clock of the table, in ms. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

it('has the id, the name and the deadline of each task that runs', () => {
  const { table, read } = createTable();
  const [a, b] = [randomUUID(), randomUUID()];
  const before = now();
  table.set({ id: a, name: 'import', deadline: 60_000 });
  table.set({ id: b, name: 'export', deadline: null });
  const [first, second] = [a, b].map((id) => read().find((task) => task.id === id));
  expect(first?.name).toBe('import');
  expect(first?.deadline).toBeGreaterThanOrEqual(before + 60_000);
  expect(first?.deadline).toBeLessThanOrEqual(now() + 60_000);
  expect(second).toMatchObject({ name: 'export', deadline: Number.POSITIVE_INFINITY });
});

it('a task that was set again has its new deadline, and one that has ended is gone', () => {
  const { table, read } = createTable();
  const id = randomUUID();
  table.set({ id, name: 'import', deadline: 1 });
  table.set({ id, name: 'import', deadline: 1e9 });
  expect(read()).toHaveLength(1);
  expect(read()[0]?.deadline).toBeGreaterThan(now() + 1e8);
  table.delete(id);
  table.delete(id);
  expect(read()).toEqual([]);
});

it('holds ten thousand tasks at a time, and tells of its memory only when it grows', () => {
  const { table, read, timesTold } = createTable();
  const ids = Array.from({ length: 10_000 }, () => randomUUID() as string);
  for (const id of ids) table.set({ id, name: 'import', deadline: null });
  expect(
    read()
      .map(({ id }) => id)
      .sort(),
  ).toEqual([...ids].sort());
  const told = timesTold();
  expect(told).toBeLessThan(12);
  for (const id of ids) table.delete(id);
  for (const id of ids) table.set({ id, name: 'import', deadline: null });
  expect(timesTold()).toBe(told);
});
