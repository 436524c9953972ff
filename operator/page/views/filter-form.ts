/** The form above the list of tasks: its fields are those of the filter in the address. */

import { make } from '../../../client/element/dom/dom.ts';
import { STATUSES, type Status } from '../../../core/tasks/snapshot.ts';
import { box, link, text } from '../dom/elements.ts';
import { AGES, type Age, hasCondition, type ListFilter, listHref, MAX_FILTER_TEXT } from '../route.ts';
import { ageWords, statusWord } from '../words/words.ts';

export interface FilterForm {
  readonly element: HTMLFormElement;
  /** The definitions that can be chosen. */
  showNames(names: readonly string[]): void;
}

const ACTIVE = 'queued,running,retrying,cancelling';

/** @param onFilter the operator wants another filter */
export function createFilterForm(filter: ListFilter, onFilter: (filter: ListFilter) => void): FilterForm {
  const status = makeSelect(
    [['', 'All'], [ACTIVE, 'Not ended'], ...STATUSES.map((one) => [one, statusWord(one)] as const)],
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

/** @param value the chosen one; it becomes an option of its own if it is none of them */
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

const field = (label: string, control: HTMLElement) => box('label', '', text('span', label), control);
