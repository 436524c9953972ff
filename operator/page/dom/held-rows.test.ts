import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { holdRows } from './held-rows.ts';

interface Row {
  readonly id: string;
  readonly text?: string;
}
const keyOf = ({ id }: Row) => id;
const rows = fc.uniqueArray(fc.record({ id: fc.stringMatching(/^[a-h]$/), text: fc.string() }), { selector: keyOf });

describe('rows that are held', () => {
  it('keep their places, whatever the list becomes', () => {
    fc.assert(
      fc.property(rows, fc.array(rows), (first, later) => {
        let { shown } = holdRows<Row>([], first, keyOf, false);
        for (const latest of later) ({ shown } = holdRows(shown, latest, keyOf, true));
        if (first.length > 0) expect(shown.map(({ key }) => key)).toEqual(first.map(keyOf));
        expect(holdRows(shown, first, keyOf, false).shown.map(({ row }) => row)).toEqual(first);
      }),
    );
  });

  it('change in place, say which have gone, and count those that wait', () => {
    const { shown } = holdRows<Row>([], [{ id: 'a', text: '1' }, { id: 'b' }], keyOf, false);
    expect(holdRows(shown, [{ id: 'd' }, { id: 'c' }, { id: 'a', text: '2' }], keyOf, true)).toEqual({
      shown: [
        { key: 'a', row: { id: 'a', text: '2' }, isGone: false },
        { key: 'b', row: { id: 'b' }, isGone: true },
      ],
      waiting: 2,
    });
  });

  it('are shown at once in a table that was empty', () => {
    expect(holdRows<Row>([], [{ id: 'a' }], keyOf, true)).toMatchObject({ shown: [{ key: 'a' }], waiting: 0 });
  });
});
