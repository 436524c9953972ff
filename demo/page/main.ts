/** The demo's page: sign in, import, look at contacts, and follow it all in the tray. */

import type { Snapshot } from 'inloop';
import { createTaskFeed, shareConnection, type TaskFeed } from 'inloop/client';
import 'inloop/element';
import Pusher from 'pusher-js';
import { readSession, type Session, signIn, signOut } from './api.ts';
import { type ContactsCard, setUpContacts } from './contacts.ts';
import { find, hideProblem, runFrom, showProblem } from './elements.ts';
import { setUpImports } from './imports.ts';
import { setUpTrouble } from './trouble.ts';

/** Shortest time between two reads of the contacts while an import runs, in milliseconds. */
const REFRESH_MS = 1_000;

const name = find('name', HTMLInputElement);
const form = find('sign-in', HTMLFormElement);
const signOutButton = find('sign-out', HTMLButtonElement);
const contacts = setUpContacts();
let feed: TaskFeed | null = null;
setUpImports();
setUpTrouble();

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const button = form.querySelector('button');
  if (button) void runFrom(button, async () => showWorkspace(await signIn(name.value)));
});
signOutButton.addEventListener('click', () =>
  runFrom(signOutButton, async () => {
    await signOut();
    showWelcome();
  }),
);

try {
  const session = await readSession();
  if (session.user === null) showWelcome();
  else showWorkspace(session);
} catch (error) {
  showWelcome();
  showProblem(error);
}

function showWelcome(): void {
  feed?.close();
  feed = null;
  find('tray', HTMLDivElement).replaceChildren();
  showSignedIn(false);
  name.focus();
}

function showWorkspace({ user, offersTrouble }: Session): void {
  hideProblem();
  find('trouble', HTMLDetailsElement).hidden = !offersTrouble;
  find('user', HTMLElement).textContent = user;
  showSignedIn(true);
  contacts.refresh();
  feed = createTaskFeed({ url: '/tasks', Pusher: shareConnection(Pusher) });
  followTasks(feed, contacts);
  // The tray uses the page's feed. `<inloop-tray url="/tasks">` would make a feed of its own.
  const tray = document.createElement('inloop-tray');
  tray.feed = feed;
  find('tray', HTMLDivElement).replaceChildren(tray);
}

function showSignedIn(isSignedIn: boolean): void {
  find('welcome', HTMLElement).hidden = isSignedIn;
  find('workspace', HTMLDivElement).hidden = !isSignedIn;
  find('account', HTMLDivElement).hidden = !isSignedIn;
}

/** Reads the contacts again when an import has made progress or ended. */
function followTasks(tasks: TaskFeed, card: ContactsCard): void {
  /** What the imports were like when the contacts were last read, or are about to be read. */
  let known = '';
  let isDue = false;
  tasks.subscribe(() => {
    const { tasks: all, connection } = tasks.getSnapshot();
    if (connection.status === 'signed-out' && feed === tasks) return showWelcome();
    const state = all
      .filter((task) => task.name === 'import-contacts')
      .map(describe)
      .join();
    if (state === known) return;
    known = state;
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      if (feed === tasks) card.refresh();
    }, REFRESH_MS);
  });
}

function describe({ id, status, progress }: Snapshot): string {
  return `${id} ${status} ${progress?.done ?? 0}`;
}
