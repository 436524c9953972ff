/** The few ways in which the tray touches the document. No markup is ever parsed: text stays text. */

export interface Attributes {
  readonly [name: string]: string;
}

/**
 * A new element with attributes and children. Its class is its `part`, unless another one is given. A button needs no
 * `type`: in the shadow tree there is no form that it could submit.
 */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (attributes.part) element.className = attributes.part;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Sets what changed only: an unchanged node costs a comparison, and screen readers nothing. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets or, with null, removes an attribute, where it differs. */
export function setAttribute(element: Element, name: string, value: string | null): void {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

export function setHidden(element: HTMLElement, isHidden: boolean): void {
  if (element.hidden !== isHidden) element.hidden = isHidden;
}

/** Makes the children of `parent` exactly `wanted`, in order, moving as few as it can. */
export function setChildren(parent: Element, wanted: readonly Element[]): void {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of wanted) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

/** As many paragraphs in `parent` as there are texts, each saying its own. */
export function setTexts(parent: HTMLElement, part: string, texts: readonly string[]): void {
  while (parent.children.length > texts.length) parent.lastElementChild?.remove();
  while (parent.children.length < texts.length) parent.append(make('p', { part }));
  texts.forEach((text, index) => {
    setText(parent.children[index] as Element, text);
  });
}

/** Runs `change`. What loses the focus by it gets it back; where it is gone, its row, a neighbour, or `last` does. */
export function keepFocus(root: ShadowRoot, last: HTMLElement, change: () => void): void {
  const focused = root.activeElement as HTMLElement | null;
  const row = focused?.closest<HTMLElement>('[role=listitem]');
  const neighbour = (row?.nextElementSibling ?? row?.previousElementSibling) as HTMLElement | undefined;
  change();
  if (!focused) return;
  // Moving a node takes the focus from what is in it.
  for (const next of [focused, row, neighbour, last]) {
    if (root.activeElement) return;
    next?.focus();
  }
}

/** Takes over a property that was set before the element was defined: it hides the accessor of the same name since. */
export function upgradeProperty<E extends HTMLElement>(element: E, name: keyof E & string): void {
  if (!Object.hasOwn(element, name)) return;
  const { [name]: value } = element;
  delete (element as Partial<E>)[name];
  element[name] = value;
}

/** Whether two lists hold the same things in the same order. */
export function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}
