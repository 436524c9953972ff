// A log that keeps its lines. For tests of what is logged, and of what must never be.
import type { Log } from '../../backend/log/log.ts';

/** One line of a {@link RecordingLog}. */
export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface RecordingLog extends Log {
  readonly lines: LogLine[];
  /** The lines of one level whose message matches. */
  find(level: LogLine['level'], pattern: RegExp): LogLine[];
}

/** A log that keeps its lines and prints nothing. */
export function recordLog(): RecordingLog {
  const lines: LogLine[] = [];
  const write =
    (level: LogLine['level']) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      lines.push({ level, message, fields });
    };
  return {
    lines,
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    find: (level, pattern) => lines.filter((line) => line.level === level && pattern.test(line.message)),
  };
}
