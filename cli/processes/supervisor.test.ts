// Resting and crashing, with a program that does nothing. Starting, restarting and ending are tested on the whole stack
// (test/repository/local-stack.test.ts).
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { LOOPBACK } from './ports.ts';
import { Supervisor } from './supervisor.ts';

let supervisor: Supervisor;
let recovered: number;

beforeEach(async () => {
  recovered = 0;
  const idle = {
    name: 'idle',
    host: LOOPBACK,
    port: 1,
    graceMs: 1_000,
    probe: async () => true,
    command: () => ({
      file: process.execPath,
      args: ['-e', 'setInterval(() => {}, 1_000)'],
      env: process.env,
      cwd: process.cwd(),
    }),
  };
  supervisor = new Supervisor([[idle]], {
    line: () => {},
    started: () => {},
    recovered: () => {
      recovered++;
    },
  });
  await supervisor.start();
});

afterEach(() => supervisor.stop());

const pid = () => supervisor.addresses().idle?.pid as number;
const isAlive = (id: number) => {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
};

describe('a service', () => {
  it('that is crashed is started again', async () => {
    const before = pid();
    expect(supervisor.crash('idle')).toBe(before);
    await eventually(() => recovered === 1, { within: 10_000 });
    expect(pid()).not.toBe(before);
  });

  it('that rests stays down for as long as it was told to; when it ends by itself later, it is started again at once', async () => {
    const before = pid();
    const from = Date.now();
    await supervisor.rest('idle', 600);
    expect(isAlive(before)).toBe(false);
    await eventually(() => recovered === 1, { within: 10_000 });
    expect(Date.now() - from).toBeGreaterThan(590);
    supervisor.crash('idle');
    await eventually(() => recovered === 2, { within: 10_000 });
  });

  it('that rests is started when it is woken', async () => {
    await supervisor.rest('idle', 60_000);
    supervisor.wake('idle');
    await eventually(() => recovered === 1, { within: 10_000 });
  });

  it('that rests is not started when all is to end', async () => {
    await supervisor.rest('idle', 60_000);
    await supervisor.stop();
    expect(recovered).toBe(0);
  });

  it('that does not exist cannot be crashed', () => {
    expect(() => supervisor.crash('other')).toThrow('There is no other.');
  });
});
