import { useTasks } from 'inloop/react';

export function Reports() {
  const { tasks, connection } = useTasks();
  return (
    <main>
      <h1>Reports</h1>
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
    </main>
  );
}
