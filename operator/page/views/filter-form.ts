/** The form above the list of tasks. It has a field for each part of the filter in the address (`../route.ts`). */

import { make } from '../../../client/element/dom/dom.ts';
import { ACTIVE_STATUSES, STATUSES, type Status } from '../../../core/tasks/snapshot.ts';
import { box, link, text } from '../dom/elements.ts';
import { AGES, type Age, hasCondition, type ListFilter, listHref, MAX_FILTER_TEXT } from '../route.ts';
import { ageWords, statusWord } from '../words/words.ts';

/** The form. */
export interface FilterForm {
  readonly element: HTMLFormElement;
  /** Adds these definitions to those that can be chosen. */
  showNames(names: readonly string[]): void;
}

/** Creates the form. @param filter what its fields show @param onFilter called with another filter when the form is submitted */
export function createFilterForm(filter: ListFilter, onFilter: (filter: ListFilter) => void): FilterForm {
  const status = makeSelect(
    [['', 'All'], [ACTIVE_STATUSES.join(), 'Not ended'], ...STATUSES.map((one) => [one, statusWord(one)] as const)],
    filter.status.join(),
    filter.status.map(statusWord).join(', '),
  );
  const ages = Object.keys(AGES) as Age[];
  const age = makeSelect(
    ['' as const, ...ages, ...ages.map((one) => `over-${one}` as const)].map((one) => [one, ageWords(one)] as const),
    filter.age,
  );
  const name = makeSelect(
    [
      ['', 'All'],
      [filter.name, filter.name],
    ],
    filter.name,
  );
  const owner = makeInput(filter.owner, 'Exactly this owner');
  const error = makeInput(filter.error, 'Code or words');
  const element = make(
    'form',
    { class: 'filter', role: 'search' },
    field('Status', status),
    field('Definition', name),
    field('Owner', owner),
    field('Created', age),
    field('Error', error),
  );
  const submit = make('button', { type: 'submit', class: 'primary' });
  submit.textContent = 'Filter';
  element.append(submit);
  if (hasCondition(filter)) element.append(link(listHref({}), 'Clear', 'clear'));

  const read = (): ListFilter => ({
    status: status.value ? (status.value.split(',') as Status[]) : [],
    name: name.value,
    owner: owner.value.trim(),
    error: error.value.trim(),
    age: age.value as ListFilter['age'],
  });
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    onFilter(read());
  });
  return {
    element,
    showNames(names) {
      const known = new Set(Array.from(name.options, ({ value }) => value));
      for (const one of names) if (!known.has(one)) name.append(new Option(one, one));
    },
  };
}

/**
 * @param value the one that is chosen. If it is not among the options, it is added to them.
 * @param label of `value`, if it is added
 */
function makeSelect(
  options: readonly (readonly [value: string, label: string])[],
  value: string,
  label = value,
): HTMLSelectElement {
  const select = make('select');
  const isKnown = options.some(([one]) => one === value);
  for (const [one, words] of isKnown ? options : [...options, [value, label] as const])
    select.append(new Option(words, one));
  select.value = value;
  return select;
}

function makeInput(value: string, placeholder: string): HTMLInputElement {
  const input = make('input', { type: 'search', maxlength: String(MAX_FILTER_TEXT), placeholder, autocomplete: 'off' });
  input.value = value;
  return input;
}

/** A control with its label. */
const field = (label: string, control: HTMLElement) => box('label', '', text('span', label), control);
