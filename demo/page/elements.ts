/** The parts of index.html that the page's code works with. */

/** The element with that id. @throws where index.html has none of that kind: a mistake in the page */
export function find<E extends HTMLElement>(id: string, kind: new () => E): E {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`index.html has no ${kind.name} with the id ${id}.`);
}

const problem = find('problem', HTMLParagraphElement);

/** Shows an error in its own words until the next thing goes well. */
export function showProblem(error: unknown): void {
  problem.textContent = error instanceof Error ? error.message : String(error);
  problem.hidden = false;
}

export function hideProblem(): void {
  problem.hidden = true;
}

/** Runs what a button starts: it cannot be pressed twice, and what goes wrong is shown. */
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
