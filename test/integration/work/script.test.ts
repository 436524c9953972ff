// Tasks that a script starts, as a cron job would: a process of its own, without a web server.
import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { bundleScript, startScript } from '../../support/processes/script-process.ts';
import { useFaultWorkers } from './use-fault-workers.ts';

const parts = useFaultWorkers();

it('a script starts tasks without Express, pushes them and ends by itself; a worker does them', async () => {
  const owner = 'nightly';
  const follower = await parts.app.follow(owner);
  const bundle = await bundleScript('test/integration/work/processes/nightly-script.ts');
  try {
    expect(readFileSync(bundle.file, 'utf8')).not.toMatch(/(from|import|require\()\s*["']express["']/);
    const script = await startScript(bundle, { ...parts.bus.env, OWNER: owner }, 'script done');
    expect(await script.exited).toBe(0);
    const printed = script
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    const [first, second] = printed.map((line) => JSON.parse(line) as { id: string });
    expect(first).toEqual({ id: expect.any(String), isSame: true, retryOf: true, listed: 3 });
    expect(second).toEqual({ isSeen: true, others: 'not_found' });
    // The script waited until its pushes were out.
    await eventually(() => follower.events.some(({ name, data }) => name === 'task.queued' && data.id === first?.id));
    await parts.startWorker();
    await parts.reaches({ id: first?.id ?? '' }, owner, 'succeeded');
  } finally {
    bundle.remove();
  }
});
