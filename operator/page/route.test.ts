import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { STATUSES } from '../../core/tasks/snapshot.ts';
import { AGES, hasCondition, hrefOf, listHref, NO_FILTER, parseRoute, type Route, toTaskFilter } from './route.ts';

const ages = Object.keys(AGES) as (keyof typeof AGES)[];
const text = fc.string({ unit: 'grapheme', maxLength: 50 });
const cursor = fc.option(fc.string({ minLength: 1 }), { nil: null });
const filter = fc.record({
  status: fc.subarray([...STATUSES]),
  name: text,
  owner: text,
  error: text,
  age: fc.constantFrom('' as const, ...ages, ...ages.map((age) => `over-${age}` as const)),
});
const route: fc.Arbitrary<Route> = fc.oneof(
  fc.constantFrom<Route>({ view: 'overview' }, { view: 'stuck' }),
  fc.record({ view: fc.constant('task' as const), id: fc.string({ minLength: 1 }) }),
  fc.record({ view: fc.constant('audit' as const), cursor }),
  fc.record({ view: fc.constant('tasks' as const), filter, cursor }),
);

describe('the address', () => {
  it('says all that a view shows, so that a link to it opens the same view', () => {
    fc.assert(
      fc.property(route, (wanted) => {
        expect(parseRoute(new URL(hrefOf(wanted), 'http://host/operator/').search)).toEqual(wanted);
      }),
    );
  });

  it('stays on this page, whatever a filter holds', () => {
    fc.assert(
      fc.property(route, (wanted) => {
        const { origin, pathname } = new URL(hrefOf(wanted), 'http://host/operator/');
        expect([origin, pathname]).toEqual(['http://host', '/operator/']);
      }),
    );
  });

  it.each([
    ['', 'overview'],
    ['?view=nothing', 'overview'],
    ['?view=tasks&status=lost,constructor&age=over-constructor', 'tasks'],
    ['?task=', 'overview'],
  ])('leaves out what it does not know: %s', (query, view) => {
    const parsed = parseRoute(query);
    expect(parsed.view).toBe(view);
    if (parsed.view === 'tasks') expect(parsed.filter).toEqual(NO_FILTER);
  });
});

describe('a filter', () => {
  const now = Date.parse('2026-01-02T00:00:00.000Z');

  it('becomes times by the server’s clock: since then, or until then', () => {
    expect(toTaskFilter({ ...NO_FILTER, age: '1d' }, now)).toEqual({ since: '2026-01-01T00:00:00.000Z' });
    expect(toTaskFilter({ ...NO_FILTER, age: 'over-1h' }, now)).toEqual({ until: '2026-01-01T23:00:00.000Z' });
  });

  it('leaves out conditions that are not set', () => {
    expect(toTaskFilter(NO_FILTER, now)).toEqual({});
    expect(hasCondition(NO_FILTER)).toBe(false);
    expect(hasCondition({ ...NO_FILTER, status: ['failed'] })).toBe(true);
    expect(toTaskFilter({ ...NO_FILTER, status: ['failed'], owner: 'ada' }, now)).toEqual({
      status: ['failed'],
      owner: 'ada',
    });
  });

  it('can be partial in a link to the list', () => {
    expect(listHref({ status: ['failed'], error: 'a b' })).toBe('?view=tasks&status=failed&error=a+b');
  });
});
