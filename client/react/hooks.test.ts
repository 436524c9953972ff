// Wrong use of the hooks: what does not compile, and what is said at run time. Right use is in
// test/integration/http/react.test.ts, in a browser.
import { describe, expect, it } from '@jest/globals';
import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { z } from 'zod';
import { defineTask } from '../../core/tasks/definition.ts';
import { createTaskFeed } from '../feed/connect-tasks.ts';
import { FakePusher } from '../test-support/fake-pusher.ts';
import { TasksProvider, useConnection, useStartTask, useTask, useTasks } from './index.ts';
import { createOwnFeed } from './own-feed.ts';

const importContacts = defineTask({
  name: 'import-contacts',
  input: z.object({ filename: z.string() }),
  output: z.object({ imported: z.number() }),
  browser: true,
});

/** Never rendered: what matters is whether it compiles. */
function Typed(): null {
  const { start } = useStartTask(importContacts);
  void start({ filename: 'a.csv' }).then((task) => {
    const imported: number | undefined = task.result?.imported;
    return imported;
  });
  // @ts-expect-error an input that does not fit
  void start({ file: 'a.csv' });
  const byName = useStartTask<typeof importContacts>('import-contacts');
  // @ts-expect-error an input that does not fit
  void byName.start({ file: 'a.csv' });
  // @ts-expect-error not the name of that definition
  useStartTask<typeof importContacts>('import-contact');
  const titles: readonly string[] = useTasks(({ tasks }) => tasks.map(({ title }) => title));
  // @ts-expect-error undefined while it is not known, null where there is none
  useTask(titles[0]).title;
  // @ts-expect-error neither a feed nor what makes one
  createElement(TasksProvider, { url: '/tasks' });
  return null;
}

describe('the hooks of inloop/react', () => {
  it('infer input and result from a definition', () => {
    expect(Typed).toBeInstanceOf(Function);
  });

  it('say which component is missing around them', () => {
    const Lost = () => createElement('p', null, useConnection().status);
    expect(() => renderToString(createElement(Lost))).toThrow(
      'The hooks of inloop/react need a <TasksProvider> around them.',
    );
  });

  it('render nothing yet on a server, whatever feed they are given', () => {
    const feed = createTaskFeed({ url: 'http://127.0.0.1/tasks', Pusher: FakePusher });
    feed.close();
    const Status = () => createElement('p', null, useConnection().status);
    expect(renderToString(createElement(TasksProvider, { feed }, createElement(Status)))).toBe('<p>connecting</p>');
  });

  it('refuse calls where no provider is mounted', async () => {
    const feed = createOwnFeed();
    await expect(feed.start('import-contacts', {})).rejects.toMatchObject({ code: 'closed' });
    await expect(feed.cancel('some')).rejects.toMatchObject({ code: 'closed' });
  });
});
