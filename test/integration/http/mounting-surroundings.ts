// What applications mount around the task router, for the whole application. For mounting.test.ts.
import compression from 'compression';
import cors from 'cors';
import type * as Express from 'express';
import session from 'express-session';
import helmet from 'helmet';
import type { TaskServerOptions } from '../../../server/options.ts';
import type { TaskServer } from '../../../server/task-server.ts';

/** The origin of a page that some task servers list. */
export const PAGE = 'https://page.example.com';

declare module 'express-session' {
  interface SessionData {
    user: string;
  }
}

const bySession = (req: Express.Request) => req.session.user ?? null;
/** A middleware that keeps sessions. */
export const sessions = () => session({ secret: 'a secret', resave: false, saveUninitialized: false });
/** Adds a route that signs `ada` in. */
const signIn = (app: Express.Express) =>
  app.post('/sign-in', (req, res) => {
    req.session.user = 'ada';
    res.status(204).end();
  });
/** Lets in only requests with a token, as CSRF middleware does. */
const requireToken: Express.RequestHandler = (req, res, next) =>
  ['GET', 'HEAD', 'OPTIONS'].includes(req.method) || req.get('x-csrf-token') === 'token'
    ? next()
    : void res.status(403).end();
/** Sends everybody who is not signed in to a page, as login walls do. */
const requireLogin: Express.RequestHandler = (req, res, next) => (req.session.user ? next() : res.redirect('/sign-in'));

/** An app and the task server that is mounted in it. */
export interface MountingParts {
  readonly app: Express.Express;
  readonly tasks: TaskServer;
}

export interface Surroundings {
  /** Mounts the router and what is around it. Returns the path of the router. `express` is the version that the app has. */
  readonly around: (parts: MountingParts, express: typeof Express.default) => string;
  /** Options of the task server. */
  readonly options?: Partial<TaskServerOptions>;
  /** Headers that every request needs. */
  readonly headers?: Record<string, string>;
}

/** The surroundings that are tested, by what is mounted. */
export const SURROUNDINGS: Readonly<Record<string, Surroundings>> = {
  'nothing else': { around: ({ app, tasks }) => mount(app, tasks) },
  'parsers of JSON and forms for the whole application': {
    around({ app, tasks }, express) {
      app.use(express.json(), express.urlencoded({ extended: true }));
      return mount(app, tasks);
    },
  },
  'parsers that keep every body as a text': {
    around({ app, tasks }, express) {
      app.use(express.text({ type: () => true }));
      return mount(app, tasks);
    },
  },
  'parsers that keep every body as a Buffer': {
    around({ app, tasks }, express) {
      app.use(express.raw({ type: () => true }));
      return mount(app, tasks);
    },
  },
  'helmet, compression and cors()': {
    around({ app, tasks }) {
      app.use(helmet(), compression({ threshold: 0, filter: () => true }), cors());
      return mount(app, tasks);
    },
  },
  'cors() with a list, and listed origins': {
    around({ app, tasks }) {
      app.use(cors({ origin: [PAGE], credentials: true }));
      return mount(app, tasks);
    },
    options: { origins: [PAGE] },
  },
  'sessions, CSRF tokens and a login wall, all for the whole application': {
    around({ app, tasks }, express) {
      app.use(express.json());
      app.post('/tasks/webhook', tasks.webhook);
      app.use(sessions());
      signIn(app);
      app.use(requireLogin, requireToken);
      return mount(app, tasks);
    },
    options: { identify: bySession },
    headers: { 'x-csrf-token': 'token' },
  },
  'routers in routers, at a path with a parameter': {
    around({ app, tasks }, express) {
      const api = express.Router();
      const team = express.Router({ mergeParams: true });
      team.use('/tasks', tasks.router);
      api.use('/teams/:team', team);
      app.use('/api/v1', api);
      return '/api/v1/teams/7/tasks';
    },
  },
  'an application in an application': {
    around({ app, tasks }, express) {
      const inner = express();
      inner.use('/tasks', tasks.router);
      app.use('/inner', inner);
      return '/inner/tasks';
    },
  },
};

function mount(app: Express.Express, tasks: TaskServer): string {
  app.use('/tasks', tasks.router);
  return '/tasks';
}
