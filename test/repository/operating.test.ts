// docs/operating.md, the table of named events, the metrics, and the rules and dashboard in deploy/ say the same.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { parse } from 'yaml';
import { createBackend } from '../../backend/backend.ts';
import { LINES } from '../../backend/events/log-events.ts';
import { pusherFromEnv } from '../../backend/push/bus/pusher-env.ts';
import { REPOSITORY } from '../../dev/paths.ts';
import { registerMetrics } from '../../metrics/register-metrics.ts';
import { recordLog } from '../support/log.ts';

const read = (path: string) => readFileSync(join(REPOSITORY, path), 'utf8');
const text = read('docs/operating.md');

describe('docs/operating.md', () => {
  it('names every event, with its level, and no other', () => {
    const documented = text
      .split('\n')
      .filter((line) => line.startsWith('| `') && !line.startsWith('| `inloop_'))
      .flatMap((line) => {
        const [, names = '', levels = ''] = line.split('|').map((cell) => cell.trim());
        return namesIn(names).map((name, n, all) => `${name}: ${levelOf(levels, n, all.length)}`);
      });
    const known = Object.entries(LINES).map(([name, { level }]) => `${name}: ${level}`);
    expect(documented.sort()).toEqual(known.sort());
  });

  it('names every metric, with its labels, and no other', async () => {
    const documented = text
      .split('\n')
      .filter((line) => line.startsWith('| `inloop_'))
      .flatMap((line) => {
        const [, names = '', type = ''] = line.split('|').map((cell) => cell.trim());
        return namesIn(names).map((name) => `${name}: ${type.replaceAll('`', '')}`);
      });
    expect(documented.sort()).toEqual((await metricsOfProcess()).map(({ name, about }) => `${name}: ${about}`).sort());
  });
});

describe('deploy/observability', () => {
  const rules = parse(read('deploy/observability/alerts.yml')) as {
    groups: { rules: { alert: string; expr: string; annotations: object }[] }[];
  };
  const dashboard = JSON.parse(read('deploy/observability/grafana-dashboard.json')) as {
    templating: { list: { name: string }[] };
    panels: {
      id: number;
      title: string;
      gridPos: { x: number; y: number; w: number; h: number };
      datasource: object;
      targets: { refId: string; expr: string; datasource: object }[];
    }[];
  };

  it('uses metrics, labels and events that there are', async () => {
    const metrics = await metricsOfProcess();
    const events = Object.keys(LINES);
    const expressions = [
      ...rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr)),
      ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ];
    expect(expressions.length).toBeGreaterThan(20);
    for (const expr of expressions) {
      for (const [, used = '', filter = ''] of expr.matchAll(/(inloop_\w+)(?:\{([^}]*)\})?/g)) {
        const metric = metrics.find(({ name }) => name === used.replace(/_bucket$/, ''));
        expect([used, metric?.name]).toEqual([used, used.replace(/_bucket$/, '')]);
        for (const [, label = '', values = ''] of filter.matchAll(/(\w+)=~?"([^"]*)"/g)) {
          expect([...(metric?.labels ?? [])]).toContain(label);
          if (label === 'event') expect(events).toEqual(expect.arrayContaining(values.split('|')));
        }
      }
    }
  });

  it('has a case for each alert in which it fires', () => {
    const cases = parse(read('deploy/observability/alerts-cases.yml')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: object[] }[] }[];
    };
    const firing = cases.tests
      .flatMap(({ alert_rule_test }) => alert_rule_test)
      .flatMap(({ alertname, exp_alerts }) => (exp_alerts.length > 0 ? [alertname] : []));
    const alerts = rules.groups.flatMap((group) => group.rules.map(({ alert }) => alert));
    expect(firing.sort()).toEqual(alerts.sort());
  });

  it('has panels beside each other, each with an id and queries of its own', () => {
    const { panels, templating } = dashboard;
    const chosen = { type: 'prometheus', uid: `\${${templating.list[0]?.name}}` };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    // A dashboard of Grafana has 24 columns.
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (const { datasource, targets } of panels) {
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      expect([datasource, ...targets.map((target) => target.datasource)]).toEqual([
        chosen,
        ...targets.map(() => chosen),
      ]);
    }
  });

  it('says in each alert what is wrong and what to do', () => {
    for (const { alert, annotations } of rules.groups.flatMap((group) => group.rules)) {
      expect([alert, Object.keys(annotations)]).toEqual([alert, ['summary', 'description']]);
    }
  });
});

/** The metrics that a real backend registers, with their type and labels as docs/operating.md writes them. */
async function metricsOfProcess() {
  const register = new Registry();
  const pusher = pusherFromEnv({
    PUSHER_APP_ID: '1',
    PUSHER_KEY: 'key',
    PUSHER_SECRET: 'secret',
    PUSHER_CLUSTER: 'eu',
  });
  const backend = createBackend({ redis: 'redis://127.0.0.1:1', pusher, log: recordLog() });
  registerMetrics({ backend, register });
  await backend.close();
  return register.getMetricsAsArray().map((metric) => {
    const { name, type, labelNames } = metric as unknown as Metric;
    return { name, labels: labelNames, about: [type, labelNames.join(', ')].filter(Boolean).join('; ') };
  });
}

/** What prom-client keeps of a metric. */
interface Metric {
  readonly name: string;
  readonly type?: string;
  readonly labelNames: readonly string[];
}

/** `a.b.began`, `.ended` stands for a.b.began and a.b.ended. */
function namesIn(cell: string): string[] {
  const names: string[] = [];
  for (const [, name = ''] of cell.matchAll(/`([^`]+)`/g)) {
    names.push(name.startsWith('.') ? (names.at(-1) ?? '').replace(/\.[^.]+$/, name) : name);
  }
  return names;
}

/** The level of name number `n` of a row with `of` names. A cell has one level for all of them, or one for each. */
function levelOf(cell: string, n: number, of: number): string | undefined {
  const levels = cell.split(', ');
  return levels.length === 1 ? levels[0] : of === levels.length ? levels[n] : undefined;
}
