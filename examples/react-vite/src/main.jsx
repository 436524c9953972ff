import { TasksProvider } from 'inloop/react';
import Pusher from 'pusher-js';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Reports } from './reports.jsx';

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <TasksProvider url="/tasks" Pusher={Pusher}>
      <Reports />
    </TasksProvider>
  </StrictMode>,
);
