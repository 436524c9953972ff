// A second user sees nothing of the first user's tasks, and can do nothing with them.
import { expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import type { InWorld } from '../world.ts';

/** Registers its tests. */
export function testPrivacy(inWorld: InWorld): void {
  it.concurrent(
    'another user sees nothing of an import, cannot subscribe to its channel, read it, cancel it, or open its download',
    inWorld(async (world) => {
      const ada = await world.signIn('ada');
      const eve = await world.signIn('eve');
      const adasTab = await ada.openTab();
      const evesTab = await eve.openTab();
      const evesFrames: string[] = [];
      evesTab.page.on('websocket', (socket) => {
        socket.on('framereceived', ({ payload }) => evesFrames.push(String(payload)));
      });
      // Loaded again, so that `evesFrames` gets all frames of its WebSocket.
      await evesTab.page.reload();
      await evesTab.openTray();

      await adasTab.setSlow(true);
      await adasTab.openTray();
      // Long enough that a slow browser can see it running.
      await adasTab.drop(world.writeCsv('secret.csv', { rows: 150, kind: 'broken' }));
      await eventually(async () => expect(await adasTab.row('Import secret.csv').text()).toMatch(/\d+ of 150/));
      const [task] = await ada.tasks();
      const path = `/tasks/${task?.id}`;
      for (const [wanted, method] of [
        [path, 'GET'],
        [`${path}/cancel`, 'POST'],
        [`${path}/retry`, 'POST'],
      ] as const) {
        expect((await evesTab.ask(wanted, { method })).status).toBe(404);
      }
      const { channel } = JSON.parse((await adasTab.ask('/tasks/connection')).body);
      const { channel: own } = JSON.parse((await evesTab.ask('/tasks/connection')).body);
      const subscribe = (name: string) =>
        evesTab.ask('/tasks/auth', { method: 'POST', form: { socket_id: '1234.5678', channel_name: name } });
      expect((await subscribe(channel)).status).toBe(403);
      expect((await subscribe(own)).status).toBe(200);
      // When Eve marks Ada's task as seen, nothing changes for Ada.
      await evesTab.page.evaluate(
        (id) =>
          fetch('/tasks/seen', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ ids: [id] }),
          }),
        task?.id,
      );

      await eventually(
        async () => expect(await adasTab.row('Import secret.csv').text()).toMatch('120 imported · 30 skipped'),
        { within: 20_000 },
      );
      const download = (await adasTab.row('Import secret.csv').links.getAttribute('href')) ?? '';
      expect((await adasTab.ask(download)).status).toBe(200);
      expect((await evesTab.ask(download)).status).toBe(404);

      // Eve's own task reaches her, and it is the only one.
      await evesTab.drop(world.writeCsv('own.csv', { rows: 3 }));
      await eventually(async () => expect(await evesTab.row('Import own.csv').text()).toMatch('Done · 3 imported'));
      await eventually(async () => expect(await evesTab.total.textContent()).toBe('3'));
      expect(new Set((await evesTab.record()).rows.map(({ title }) => title))).toEqual(new Set(['Import own.csv']));
      expect(evesFrames.join()).toMatch('own.csv');
      expect(evesFrames.join()).not.toMatch('secret.csv');
      expect(evesFrames.join()).not.toMatch(String(task?.id));
      expect((await ada.tasks())[0]).toMatchObject({ status: 'succeeded' });
    }),
  );
}
