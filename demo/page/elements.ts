/** Finds elements of index.html, shows errors, and runs what buttons start. */

/** Finds the element with an id. @throws if index.html has no element of that kind with the id: a mistake in the page */
export function find<E extends HTMLElement>(id: string, kind: new () => E): E {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`index.html has no ${kind.name} with the id ${id}.`);
}

const problem = find('problem', HTMLParagraphElement);

/** Shows the message of an error until the next action succeeds. */
export function showProblem(error: unknown): void {
  problem.textContent = error instanceof Error ? error.message : String(error);
  problem.hidden = false;
}

export function hideProblem(): void {
  problem.hidden = true;
}

/** Runs what a button starts. Until it ends the button is disabled; an error is shown. */
export async function runFrom(button: HTMLButtonElement, work: () => Promise<void>): Promise<void> {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await work();
    hideProblem();
  } catch (error) {
    showProblem(error);
  } finally {
    button.disabled = false;
  }
}
