/** Sessions, stored on the server, so that a copy of a cookie is worthless when its session has ended. */

import { randomBytes } from 'node:crypto';
import type Database from 'libsql';

export interface SessionStore {
  /** Starts a session that ends at `until` (milliseconds since 1970). Returns its id, which is a secret. */
  start(user: string, until: number): string;
  /** The user of the session, or null when it has ended. */
  userOf(id: string, now: number): string | null;
  end(id: string): void;
}

/** Most sessions of one user. When one more starts, the oldest ends. */
const MAX_SESSIONS = 100;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, until INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS sessions_of ON sessions (user, until);
  CREATE INDEX IF NOT EXISTS sessions_until ON sessions (until);
`;

/** The sessions in `db`. */
export function openSessions(db: Database.Database): SessionStore {
  db.exec(SCHEMA);
  const add = db.prepare('INSERT INTO sessions (id, user, until) VALUES (?, ?, ?)');
  const trim = db.prepare(
    'DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user = ? ORDER BY until DESC LIMIT -1 OFFSET ?)',
  );
  const find = db.prepare('SELECT user FROM sessions WHERE id = ? AND until > ?');
  const end = db.prepare('DELETE FROM sessions WHERE id = ?');
  return {
    start(user, until) {
      const id = randomBytes(24).toString('base64url');
      add.run(id, user, until);
      trim.run(user, MAX_SESSIONS);
      return id;
    },
    userOf: (id, now) => (find.get(id, now) as { user: string } | undefined)?.user ?? null,
    end: (id) => void end.run(id),
  };
}
