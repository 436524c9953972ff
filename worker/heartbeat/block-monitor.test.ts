import { describe, expect, it } from '@jest/globals';
import { Events } from '../../backend/events/events.ts';
import { recordLog } from '../../test/support/log.ts';
import { BlockMonitor } from './block-monitor.ts';

/**
 * A monitor that was started at 0. `run` begins tasks; `lines`: the first sentence of each log line. A beat is due 100 ms after
 * the one before: after beats at 100 and 3,300 ms, the event loop was blocked for 3.1 s.
 */
function setUp() {
  const log = recordLog();
  const monitor = new BlockMonitor(new Events(log), 0);
  return {
    monitor,
    run: (...ids: string[]) => {
      for (const id of ids) monitor.begin({ id, name: 'import', deadline: null });
    },
    lines: () => log.lines.map(({ message }) => message.split('. ')[0]),
  };
}

describe('an event loop whose timer comes late', () => {
  it('was blocked by the task that runs', () => {
    const { monitor, run, lines } = setUp();
    run('a');
    monitor.beat(100);
    monitor.beat(3_300);
    expect(lines()).toEqual(['The event loop was blocked for 3.1 s by import (a)']);
    expect(monitor.sharedBlockMs).toBe(0);
  });

  it('was blocked by one of several, each of which may have lost time', () => {
    const { monitor, run, lines } = setUp();
    run('a', 'b');
    monitor.beat(2_100);
    monitor.beat(5_200);
    expect(lines()[0]).toBe('The event loop was blocked for 2.0 s by one of import (a), import (b)');
    expect(monitor.sharedBlockMs).toBe(5_000);
  });

  it('names five of many tasks', () => {
    const { monitor, run, lines } = setUp();
    run(...'abcdefg');
    monitor.beat(2_100);
    expect(lines()[0]).toMatch(/import \(e\) and 2 more$/);
  });

  it('is not reported below a second, or if no task runs', () => {
    const { monitor, run, lines } = setUp();
    monitor.beat(10_000);
    run('a', 'b');
    monitor.beat(11_099);
    expect(monitor.end('a')).toMatchObject({ id: 'a' });
    monitor.end('b');
    monitor.beat(20_000);
    expect(lines()).toEqual([]);
    expect(monitor.sharedBlockMs).toBe(0);
  });
});
