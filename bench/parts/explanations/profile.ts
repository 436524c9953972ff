// The part `profile`: CPU profiles of worker, server and Soketi while inloop runs `many-users`, of the worker during
// `cpu-work`, and of the server during `accepting`.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../../../dev/paths.ts';
import { type ProfileSummary, readProfile } from '../../measure/profile.ts';
import { table } from '../../measure/table.ts';
import { definePart, type Part } from '../../part.ts';
import { withRunningStack } from '../../running-stack.ts';
import { startServices } from '../../services.ts';
import { acceptTasks } from '../comparisons/accepting.ts';
import { runCpuWork } from '../comparisons/handler-time.ts';
import { manyUsersTasks } from '../comparisons/many-users.ts';
import { reasonFor } from './reasons.ts';

const PROCESSES = {
  worker: 'Worker',
  server: 'Server',
  soketi: 'Soketi',
  computing: 'Worker during cpu-work',
  accepting: 'Server during accepting',
} as const;
/** How many of the hottest functions of each process are listed. */
const SHOWN = 5;

/** When a load ran, on the bench's clock. */
interface Window {
  readonly from: number;
  readonly to: number;
}

type Figures = Readonly<Record<keyof typeof PROCESSES, ProfileSummary>>;

export const profile: Part<unknown> = definePart<Figures>({
  name: 'profile',
  title: 'profile: where the CPU time goes during many-users, cpu-work and accepting',
  async measure({ quick, log, services: shared }) {
    const folder = join(stateFolder(), 'bench', 'profiles');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    log(`profiles in ${folder}`);
    // Soketi writes its profile when it ends, so this part starts a Soketi of its own and ends it.
    const services = await startServices({ profileFolder: folder });
    let duringManyUsers: Window;
    try {
      const { users, inputs } = manyUsersTasks(quick ? 40 : 200);
      duringManyUsers = await withRunningStack(
        { services, stack: 'inloop', users, profileFolder: folder },
        async (running) => {
          await running.run(manyUsersTasks(20, { from: 1_000_000 }).inputs);
          const { began, wall } = await running.run(inputs);
          return { from: began, to: began + wall };
        },
      );
    } finally {
      await services.stop();
    }
    const read = (name: string, { from, to }: Window) => {
      const { busy, origins, functions } = readProfile(join(folder, `${name}.cpuprofile`), from, to);
      return { busy, origins: origins.slice(0, 8), functions: functions.slice(0, SHOWN) };
    };
    const [worker, server, soketi] = [
      read('worker', duringManyUsers),
      read('server', duringManyUsers),
      read('soketi', duringManyUsers),
    ];
    // The next two runs overwrite worker.cpuprofile and server.cpuprofile, which have been read by now.
    const duringCpuWork = await runCpuWork(shared, { profileFolder: folder, tasks: quick ? 1 : 4 });
    const computing = read('worker', duringCpuWork);
    const duringAccepting = await acceptTasks(shared, { profileFolder: folder, ms: quick ? 1_000 : 5_000 });
    return { worker, server, soketi, computing, accepting: read('server', duringAccepting) };
  },
  report(raw) {
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
    const sections = Object.entries(PROCESSES).map(([name, title]) => {
      const { busy, origins, functions } = raw[name as keyof Figures];
      const whose = origins.map(([origin, share]) => `${origin} ${percent(share)}`).join(', ');
      return [
        `**${title}**, busy ${percent(busy)} of the time. Of that: ${whose}. Our hottest functions:`,
        table(
          ['function', 'itself', 'with what it calls', 'what it is for'],
          functions.map((hot) => [`\`${hot.name}\``, percent(hot.self), percent(hot.total), reasonFor(hot.name)]),
        ),
      ].join('\n\n');
    });
    return { text: sections.join('\n\n'), targets: [] };
  },
});
