// Where the time goes: CPU profiles of worker, server and Soketi while inloop runs W3, of the worker under W2 and of the
// server under W4.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../../dev/paths.ts';
import { type ProfileSummary, readProfile } from '../measure/profile.ts';
import { table } from '../measure/table.ts';
import { definePart, type Part } from '../part.ts';
import { withTurn } from '../turn.ts';
import { startWorld } from '../world.ts';
import { reasonFor } from './reasons.ts';
import { w3Tasks } from './w3.ts';
import { acceptTasks } from './w4.ts';
import { compute } from './wall.ts';

const PROCESSES = {
  worker: 'Worker',
  server: 'Server',
  soketi: 'Soketi',
  computing: 'Worker under W2',
  accepting: 'Server under W4',
} as const;
const SHOWN = 5;

/** When a load ran, on the bench's clock. */
interface Window {
  readonly from: number;
  readonly to: number;
}

type Figures = Readonly<Record<keyof typeof PROCESSES, ProfileSummary>>;

export const profile: Part<unknown> = definePart<Figures>({
  name: 'profile',
  title: 'Where the time goes: CPU profiles under W3 (and W2, W4)',
  async measure({ quick, log, world: shared }) {
    const folder = join(stateFolder(), 'bench', 'profiles');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    log(`profiles in ${folder}`);
    // Soketi writes its profile when it ends, so it needs to be one of its own.
    const world = await startWorld({ profileFolder: folder });
    let underW3: Window;
    try {
      const { users, inputs } = w3Tasks(quick ? 40 : 200);
      underW3 = await withTurn({ world, stack: 'inloop', users, profileFolder: folder }, async (turn) => {
        await turn.run(w3Tasks(20, { from: 1_000_000 }).inputs);
        const { began, wall } = await turn.run(inputs);
        return { from: began, to: began + wall };
      });
    } finally {
      await world.stop();
    }
    const read = (name: string, { from, to }: Window) => {
      const { busy, origins, functions } = readProfile(join(folder, `${name}.cpuprofile`), from, to);
      return { busy, origins: origins.slice(0, 8), functions: functions.slice(0, SHOWN) };
    };
    const [worker, server, soketi] = [read('worker', underW3), read('server', underW3), read('soketi', underW3)];
    // These write the worker's and the server's profile again, so what was in them is read by now.
    const underW2 = await compute(shared, { profileFolder: folder, tasks: quick ? 1 : 4 });
    const computing = read('worker', underW2);
    const underW4 = await acceptTasks(shared, { profileFolder: folder, ms: quick ? 1_000 : 5_000 });
    return { worker, server, soketi, computing, accepting: read('server', underW4) };
  },
  report(raw) {
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
    const sections = Object.entries(PROCESSES).map(([name, title]) => {
      const { busy, origins, functions } = raw[name as keyof Figures];
      const whose = origins.map(([origin, share]) => `${origin} ${percent(share)}`).join(', ');
      return [
        `**${title}**, busy ${percent(busy)} of the time. Of that: ${whose}. Our hottest functions:`,
        table(
          ['function', 'itself', 'with what it calls', 'why it is needed'],
          functions.map((hot) => [`\`${hot.name}\``, percent(hot.self), percent(hot.total), reasonFor(hot.name)]),
        ),
      ].join('\n\n');
    });
    return { text: sections.join('\n\n'), targets: [] };
  },
});
