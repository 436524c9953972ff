/** Starts the operator's page once it is known who looks at it, and empties it when that operator may not see it any more. */

import { createApi } from './api.ts';
import { type AppElements, startApp, troubleWords } from './app.ts';
import { createAnnouncer } from './dom/announcer.ts';
import { box, text } from './dom/elements.ts';
import { watchSession } from './session-watch.ts';

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
const announce = createAnnouncer(elements.live);
/** Ends the app that was started for the present operator; undefined before the first one. */
let current: AbortController | undefined;

const watch = watchSession({
  ask: () => createApi().session(),
  onSession(session) {
    current?.abort();
    current = new AbortController();
    elements.banner.hidden = true;
    startApp({ elements, session, announce, onRefused: () => watch.check(), signal: current.signal });
  },
  onRefused() {
    current?.abort();
    const heading = text('h1', 'You may not see this page');
    const way = text('p', 'Sign in again, in another tab for example. This page then goes on by itself.');
    elements.banner.hidden = true;
    elements.main.replaceChildren(box('div', 'view', heading, way));
    elements.main.focus();
    announce(`${heading.textContent}. ${way.textContent}`);
  },
  onTrouble(error) {
    elements.banner.textContent = troubleWords(error);
    elements.banner.hidden = false;
  },
  timing: {
    wait(callback, ms) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    isHidden: () => document.hidden,
  },
});
document.addEventListener('visibilitychange', () => watch.check());
