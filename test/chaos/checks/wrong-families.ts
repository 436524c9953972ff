// Compares each parent of the chaos run with its children.
import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import type { TaskPage } from '../../../core/wire.ts';
import { family } from '../../integration/work/processes/fault-tasks.ts';
import { ask } from '../world/ask.ts';
import type { World } from '../world/world.ts';

/** One line for each family that is wrong. @param all all tasks of all users, children too */
export function findWrongFamilies(all: readonly Snapshot[]): string[] {
  return all
    .filter((task) => task.name === family.name)
    .flatMap((parent) => {
      const children = all.filter((task) => task.parent === parent.id);
      const why = faultOf(parent, children);
      return why ? [`${parent.id}: ${why}`] : [];
    });
}

function faultOf(parent: Snapshot, children: readonly Snapshot[]): string | null {
  const total = parent.children?.total ?? 0;
  const failed = children.filter(({ status }) => status !== 'succeeded').length;
  if (children.some((child) => !isFinished(child))) return 'a child has not ended';
  // A parent that has failed for a reason of its own may not have counted its last child.
  if (parent.status !== 'failed' && children.length !== total) return `${children.length} children, not ${total}`;
  if (parent.status !== 'succeeded') return null;
  const { started } = parent.result as { started: number };
  if (started !== total) return `its handler has started ${started} tasks, not ${total}`;
  return failed > 0 ? `it has succeeded, and ${failed} of its children have not` : null;
}

/** All tasks of a user, children too. */
export async function listAll(world: World, user: string): Promise<Snapshot[]> {
  const tasks: Snapshot[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const response = await ask(`${world.url}?limit=100${cursor && `&cursor=${cursor}`}`, user);
    const page = (await response.json()) as TaskPage;
    tasks.push(...page.tasks);
    cursor = page.nextCursor;
  }
  return tasks;
}
