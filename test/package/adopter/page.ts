// Every entry that a page uses, for compilers and bundlers.
import { fractionOf } from 'inloop';
import { connectTasks } from 'inloop/client';
import { InloopTray } from 'inloop/element';
import * as headless from 'inloop/headless';
import { TasksProvider, useTasks } from 'inloop/react';
import Pusher from 'pusher-js';

void connectTasks({ url: '/tasks', Pusher }).then((tasks) => {
  tasks.subscribe(() => {
    const [task] = tasks.getSnapshot().tasks;
    if (task?.status === 'succeeded') console.log(task.result, task.progress && fractionOf(task.progress));
  });
});

export { headless, InloopTray, TasksProvider, useTasks };
