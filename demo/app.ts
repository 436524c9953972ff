/** The demo's web app: an ordinary Express app with inloop mounted at /tasks. server.ts runs it; tests do too. */

import express, { type Express, type Router } from 'express';
import helmet from 'helmet';
import type { TaskLimits } from 'inloop';
import type { Backend, PusherOptions } from 'inloop/backend';
import { createOperator } from 'inloop/operator';
import { createTaskServer, problemHandler, sameOrigin } from 'inloop/server';
import { createContactsRouter, createReportsRouter } from './contacts/contact-routes.ts';
import { contentPolicy } from './content-policy.ts';
import type { DemoDatabase } from './database/database.ts';
import type { DataFolder } from './files/data-folder.ts';
import { createDownloadsRouter } from './files/downloads.ts';
import { createHealthRouter } from './health.ts';
import { refusal } from './refusal.ts';
import { createSessionRouter, readSession, userOf } from './session/session.ts';
import { exportContacts, importContacts } from './tasks.ts';
import { createSamplesRouter } from './tools/samples.ts';
import { createTroubleRouter } from './trouble.ts';
import { createImportRouter } from './uploads/import-routes.ts';

export interface AppOptions {
  readonly backend: Backend;
  /** The bus that browsers connect to, for the Content-Security-Policy of the page. */
  readonly bus: Pick<PusherOptions, 'cluster' | 'browser'>;
  readonly db: DemoDatabase;
  readonly folder: DataFolder;
  readonly sessionSecret: string;
  /** Largest upload in bytes. */
  readonly maxUploadBytes: number;
  /** How many tasks a user may have active and start within a minute. Absent: as many as they like. */
  readonly limits?: TaskLimits;
  /** Users who may open the operator's page, and act there on everybody's tasks. Empty or absent: the app has no such page. */
  readonly operators?: readonly string[];
  /** Proxies whose `X-Forwarded-*` headers are believed; none unless named. */
  readonly trustProxy?: readonly string[];
  /** The supervisor's address for trouble on purpose (trouble.ts). Null or absent: the page does not offer it. */
  readonly troubleUrl?: string | null;
  /** Folder of the built page. */
  readonly publicDir: string;
  /** Fires when the server has to end. */
  readonly stop?: AbortSignal;
}

function createOperatorRouter({ backend, stop }: AppOptions, operators: readonly string[]): Router {
  const operator = createOperator({
    backend,
    tasks: [importContacts, exportContacts],
    allow: (req) => {
      const who = userOf(req);
      return who !== null && operators.includes(who) ? { role: 'act', who } : null;
    },
  });
  stop?.addEventListener('abort', () => operator.close(), { once: true });
  return operator.router;
}

/** Builds the app. From then on its task server asks Redis once a second what is left to do, until the backend is closed. */
export function createApp(options: AppOptions): Express {
  const { backend, db, folder, maxUploadBytes } = options;
  const tasks = createTaskServer({
    backend,
    tasks: [importContacts, exportContacts],
    identify: (req) => userOf(req),
    path: '/tasks',
    limits: options.limits ?? {},
    ...(options.stop ? { signal: options.stop } : {}),
  });

  const app = express();
  app.disable('x-powered-by');
  // A trusted address may claim any client address, so only the named proxies are trusted.
  app.set('trust proxy', [...(options.trustProxy ?? [])]);
  app.use(helmet({ contentSecurityPolicy: contentPolicy(options.bus) }));
  app.use(createHealthRouter(backend));
  app.use(express.static(options.publicDir, { setHeaders: (res) => void res.set('Cache-Control', 'no-cache') }));
  app.use('/samples', createSamplesRouter());

  // Not for /tasks: its router checks origins itself.
  app.use(['/session', '/trouble', '/imports', '/reports'], sameOrigin());
  const session = {
    sessions: db.sessions,
    secret: options.sessionSecret,
    onEnd: (user: string) => tasks.endSessions(user),
  };
  app.use(readSession(session));
  if (options.troubleUrl) app.use(createTroubleRouter(options.troubleUrl, options.stop));
  app.use('/session', createSessionRouter(session));
  app.use('/tasks', tasks.router);
  if (options.operators?.length) app.use('/operator', createOperatorRouter(options, options.operators));
  app.use(createDownloadsRouter(db, folder));
  app.use('/imports', createImportRouter({ tasks, db, folder, maxUploadBytes }));
  app.use('/contacts', createContactsRouter(db));
  app.use('/reports', createReportsRouter(tasks, db.files));
  app.use((req) => {
    throw refusal('not_found', 404, `There is nothing at ${req.method} ${req.path}.`);
  });
  app.use(problemHandler());
  return app;
}
