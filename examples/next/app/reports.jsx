'use client';

import { TasksProvider, useTasks } from 'inloop/react';
import Pusher from 'pusher-js';

export function Reports() {
  return (
    <TasksProvider url="/tasks" Pusher={Pusher}>
      <Tasks />
    </TasksProvider>
  );
}

function Tasks() {
  const { tasks, connection } = useTasks();
  return (
    <>
      <p>Connection: {connection.status}</p>
      <button type="button" onClick={() => fetch('/reports', { method: 'POST' })}>
        Build the report
      </button>
      <ul>
        {tasks.map(({ id, title, status, progress }) => (
          <li key={id}>
            {title}: {status} {progress?.done}
          </li>
        ))}
      </ul>
    </>
  );
}
