/**
 * Notes that an outcome hook need not run for a task any more. A task that its owner has dismissed is kept until the hook that runs
 * at once has run for it. If this is that hook, the record of such a task is removed now.
 */

import { FIELD } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';

export const FINISH_HOOK = defineCommand({
  name: 'finish-hook',
  keys: ['due', 'tries', 'task'],
  args: ['id', 'keepsDismissed'],
  lua: `
redis.call('ZREM', due, id)
redis.call('HDEL', tries, id)
if keepsDismissed == '1' then
  redis.call('HDEL', task, '${FIELD.hookPending}')
  if redis.call('HEXISTS', task, '${FIELD.formerOwner}') == 1 then redis.call('DEL', task) end
end
return 1
`,
  parse: () => undefined,
});

/** @param keepsDismissed whether the record of a dismissed task is kept until this hook has run */
export function finishHook(
  redis: CommandRunner,
  hook: string,
  id: string,
  { keepsDismissed }: { readonly keepsDismissed: boolean },
): Promise<void> {
  const { keys } = redis;
  return redis.run(
    FINISH_HOOK,
    { due: keys.hook(hook), tries: keys.hookTries(hook), task: keys.task(id) },
    { id, keepsDismissed: keepsDismissed ? 1 : 0 },
  );
}
