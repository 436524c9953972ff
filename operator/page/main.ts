/** Starts the operator's page once it is known who looks at it. */

import { CallError, createApi } from './api.ts';
import { type AppElements, startApp, troubleWords } from './app.ts';

/** How long to wait before the page asks again who looks at it, in milliseconds. */
const AGAIN = 3_000;

/** Finds an element of index.html. @throws TypeError if there is none: a mistake in the page */
function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new TypeError(`index.html has no element with the id ${id}.`);
  return element;
}

const elements: AppElements = {
  nav: find('nav'),
  role: find('role'),
  link: find('link'),
  banner: find('banner'),
  notice: find('notice'),
  main: find('main'),
  live: find('live'),
};

/** Asks who looks at the page, until there is an answer. */
async function start(): Promise<void> {
  const session = await createApi()
    .session()
    .catch((error: unknown) => showTrouble(error));
  if (!session) return;
  elements.banner.hidden = true;
  startApp(elements, session);
}

function showTrouble(error: unknown): void {
  elements.banner.textContent = troubleWords(error);
  elements.banner.hidden = false;
  // Who may not look stays away; a server that is away comes back.
  const isRefused = error instanceof CallError && error.status >= 400 && error.status < 500;
  if (!isRefused) setTimeout(() => void start(), AGAIN);
}

void start();
