/** How the tray makes and changes elements. Nothing here parses markup, so text from tasks stays text. */

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

/** Sets the text of `node` if it differs: screen readers may announce an unchanged text again if it is set. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets an attribute if it differs; null removes it. */
export function setAttribute(element: Element, name: string, value: string | null): void {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/** Sets `hidden` if it differs. */
export function setHidden(element: HTMLElement, isHidden: boolean): void {
  if (element.hidden !== isHidden) element.hidden = isHidden;
}

/** Makes the children of `parent` exactly `wanted`, in order. Children that are in their place are not moved. */
export function setChildren(parent: Element, wanted: readonly Element[]): void {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of wanted) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

/** Makes `parent` hold one paragraph for each of `texts`. @param part their class and part */
export function setTexts(parent: HTMLElement, part: string, texts: readonly string[]): void {
  const lines = texts.map((text, index) => {
    const line = parent.children[index] ?? make('p', { part });
    setText(line, text);
    return line;
  });
  setChildren(parent, lines);
}

/**
 * Runs `change`, then gives the focus back to the element that had it. If that cannot take it, its row gets it; else the
 * next (or previous) row; else `last`.
 */
export function keepFocus(root: ShadowRoot, last: HTMLElement, change: () => void): void {
  const focused = root.activeElement as HTMLElement | null;
  const row = focused?.closest<HTMLElement>('[role=listitem]');
  const neighbour = (row?.nextElementSibling ?? row?.previousElementSibling) as HTMLElement | undefined;
  change();
  if (!focused) return;
  // Moving a node takes the focus from the elements inside it.
  for (const next of [focused, row, neighbour, last]) {
    if (root.activeElement) return;
    next?.focus();
  }
}

/**
 * Sets a property again that the page set before the element was defined. It became a property of the object itself then,
 * which hides the accessor of the same name.
 */
export function upgradeProperty<E extends HTMLElement>(element: E, name: keyof E & string): void {
  if (!Object.hasOwn(element, name)) return;
  const { [name]: value } = element;
  delete (element as Partial<E>)[name];
  element[name] = value;
}
