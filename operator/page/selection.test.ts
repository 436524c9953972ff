import { describe, expect, it } from '@jest/globals';
import { isSelected, NOTHING, nextSelection, type Selection, type SelectionEvent, targetOf } from './selection.ts';

const after = (...events: SelectionEvent[]): Selection => events.reduce(nextSelection, NOTHING);
const set = (isOn: boolean, ...ids: string[]): SelectionEvent => ({ type: 'set', ids, isOn });

describe('the selection', () => {
  it('is about the tasks that were chosen, or about all that match', () => {
    expect(targetOf(NOTHING, {})).toBeNull();
    expect(targetOf(after(set(true, 'a', 'b'), set(false, 'a')), {})).toEqual({ ids: ['b'] });
    expect(targetOf(after(set(true, 'a'), { type: 'all' }), { name: 'x' })).toEqual({ filter: { name: 'x' } });
    expect(targetOf(after({ type: 'all' }, { type: 'none' }), {})).toBeNull();
  });

  it('forgets tasks that nobody sees any more, unless all that match are meant', () => {
    expect(after(set(true, 'a', 'b'), { type: 'shown', ids: ['b', 'c'] })).toEqual(new Set(['b']));
    expect(after({ type: 'all' }, { type: 'shown', ids: [] })).toBe('all');
  });

  it('begins anew when one is taken out of all', () => {
    const left = after({ type: 'all' }, set(false, 'a'));
    expect([isSelected(left, 'a'), isSelected(left, 'b')]).toEqual([false, false]);
    expect(isSelected('all', 'a')).toBe(true);
  });
});
