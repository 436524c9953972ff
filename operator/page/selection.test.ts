import { describe, expect, it } from '@jest/globals';
import {
  isSelected,
  NOTHING_SELECTED,
  nextSelection,
  type Selection,
  type SelectionEvent,
  targetOf,
} from './selection.ts';

const select = (...events: SelectionEvent[]): Selection => events.reduce(nextSelection, NOTHING_SELECTED);
const set = (isOn: boolean, ...ids: string[]): SelectionEvent => ({ type: 'set', ids, isOn });

describe('the selection', () => {
  it('becomes the target of an act: the tasks that were selected, or the filter if all that match were', () => {
    expect(targetOf(NOTHING_SELECTED, {})).toBeNull();
    expect(targetOf(select(set(true, 'a', 'b'), set(false, 'a')), {})).toEqual({ ids: ['b'] });
    expect(targetOf(select(set(true, 'a'), { type: 'all' }), { name: 'x' })).toEqual({ filter: { name: 'x' } });
    expect(targetOf(select({ type: 'all' }, { type: 'none' }), {})).toBeNull();
  });

  it('loses tasks that are not shown any more, unless all that match are selected', () => {
    expect(select(set(true, 'a', 'b'), { type: 'shown', ids: ['b', 'c'] })).toEqual(new Set(['b']));
    expect(select({ type: 'all' }, { type: 'shown', ids: [] })).toBe('all');
  });

  it('is empty after one task was taken out of all that match', () => {
    const left = select({ type: 'all' }, set(false, 'a'));
    expect([isSelected(left, 'a'), isSelected(left, 'b')]).toEqual([false, false]);
    expect(isSelected('all', 'a')).toBe(true);
  });
});
