import { describe, expect, it } from '@jest/globals';
import { isSelected, NOTHING, nextSelection, type Selection, type SelectionEvent, targetOf } from './selection.ts';

const select = (...events: SelectionEvent[]): Selection => events.reduce(nextSelection, NOTHING);
const set = (isOn: boolean, ...ids: string[]): SelectionEvent => ({ type: 'set', ids, isOn });

describe('the selection', () => {
  it('is about the tasks that were chosen, or about all that match', () => {
    expect(targetOf(NOTHING, {})).toBeNull();
    expect(targetOf(select(set(true, 'a', 'b'), set(false, 'a')), {})).toEqual({ ids: ['b'] });
    expect(targetOf(select(set(true, 'a'), { type: 'all' }), { name: 'x' })).toEqual({ filter: { name: 'x' } });
    expect(targetOf(select({ type: 'all' }, { type: 'none' }), {})).toBeNull();
  });

  it('forgets tasks that nobody sees any more, unless all that match are meant', () => {
    expect(select(set(true, 'a', 'b'), { type: 'shown', ids: ['b', 'c'] })).toEqual(new Set(['b']));
    expect(select({ type: 'all' }, { type: 'shown', ids: [] })).toBe('all');
  });

  it('begins anew when one is taken out of all', () => {
    const left = select({ type: 'all' }, set(false, 'a'));
    expect([isSelected(left, 'a'), isSelected(left, 'b')]).toEqual([false, false]);
    expect(isSelected('all', 'a')).toBe(true);
  });
});
