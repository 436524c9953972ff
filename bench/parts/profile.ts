// Where the time goes: CPU profiles of worker, server and Soketi while inloop runs W3.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../../dev/paths.ts';
import { type ProfileSummary, readProfile } from '../measure/profile.ts';
import { table } from '../measure/table.ts';
import { definePart, type Part } from '../part.ts';
import { withTurn } from '../turn.ts';
import { startWorld } from '../world.ts';
import { REASONS } from './reasons.ts';
import { w3Tasks } from './w3.ts';

const PROCESSES = ['worker', 'server', 'soketi'] as const;
const SHOWN = 5;

type Figures = Readonly<Record<(typeof PROCESSES)[number], ProfileSummary>>;

export const profile: Part<unknown> = definePart<Figures>({
  name: 'profile',
  title: 'Where the time goes: CPU profiles under W3',
  async measure({ quick, log }) {
    const folder = join(stateFolder(), 'bench', 'profiles');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    log(`profiles in ${folder}`);
    // Soketi writes its profile when it ends, so it needs to be one of its own.
    const world = await startWorld({ profileFolder: folder });
    let window = { from: 0, to: 0 };
    try {
      const { users, inputs } = w3Tasks(quick ? 40 : 200);
      window = await withTurn({ world, stack: 'inloop', users, profileFolder: folder }, async (turn) => {
        await turn.run(w3Tasks(20, { from: 1_000_000 }).inputs);
        const { began, wall } = await turn.run(inputs);
        return { from: began, to: began + wall };
      });
    } finally {
      await world.stop();
    }
    const read = (name: string) => {
      const { busy, origins, functions } = readProfile(join(folder, `${name}.cpuprofile`), window.from, window.to);
      return { busy, origins: origins.slice(0, 8), functions: functions.slice(0, SHOWN) };
    };
    return { worker: read('worker'), server: read('server'), soketi: read('soketi') };
  },
  report(raw) {
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
    const sections = PROCESSES.map((name) => {
      const { busy, origins, functions } = raw[name];
      const whose = origins.map(([origin, share]) => `${origin} ${percent(share)}`).join(', ');
      return [
        `**${name[0]?.toUpperCase()}${name.slice(1)}**, busy ${percent(busy)} of the time. Of that: ${whose}. Our hottest functions:`,
        table(
          ['function', 'itself', 'with what it calls', 'why it is needed'],
          functions.map((hot) => [
            `\`${hot.name}\``,
            percent(hot.self),
            percent(hot.total),
            REASONS[hot.name] ?? 'not written down yet: bench/parts/reasons.ts',
          ]),
        ),
      ].join('\n\n');
    });
    return { text: sections.join('\n\n'), targets: [] };
  },
});
