/** The import card: choose a file, drop one, or take a sample. */

import { readSample, startImport } from './api.ts';
import { find, hideProblem, runFrom, showProblem } from './elements.ts';

const SAMPLES = [
  { name: 'contacts-100.csv', label: '100 contacts', hint: 'takes its time', pace: 'slow' },
  { name: 'contacts-10000.csv', label: '10,000 contacts', hint: 'at full speed', pace: 'full' },
  { name: 'contacts-broken.csv', label: 'Broken rows', hint: '12 of 60 are skipped', pace: 'slow' },
  { name: 'contacts-torn.csv', label: 'A torn file', hint: 'fails at row 40', pace: 'slow' },
] as const;

/** Connects the card's elements to their actions. */
export function setUpImports(): void {
  const drop = find('drop', HTMLLabelElement);
  const input = find('file', HTMLInputElement);
  const slow = find('slow', HTMLInputElement);
  const status = find('import-status', HTMLParagraphElement);

  const upload = async (file: File, pace: 'full' | 'slow') => {
    // The problem of an earlier file would look like a problem of this one.
    hideProblem();
    status.textContent = `Uploading ${file.name} …`;
    try {
      await startImport(file, pace);
      status.textContent = `${file.name} is on its way. Follow it under Tasks, at the top.`;
    } catch (error) {
      status.textContent = '';
      throw error;
    }
  };
  const uploadChosen = (files: FileList | null | undefined) => {
    const file = files?.[0];
    if (!file) return;
    upload(file, slow.checked ? 'slow' : 'full').catch(showProblem);
  };

  input.addEventListener('change', () => {
    uploadChosen(input.files);
    input.value = ''; // So that the same file can be chosen again.
  });
  for (const type of ['dragenter', 'dragover'] as const) {
    drop.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.add('over');
    });
  }
  for (const type of ['dragleave', 'drop'] as const) drop.addEventListener(type, () => drop.classList.remove('over'));
  // A file is imported wherever it is dropped on the page. By default the browser would open it in place of the page.
  window.addEventListener('dragover', (event) => event.preventDefault());
  window.addEventListener('drop', (event) => {
    event.preventDefault();
    if (!find('workspace', HTMLDivElement).hidden) uploadChosen(event.dataTransfer?.files);
  });

  find('samples', HTMLUListElement).append(
    ...SAMPLES.map(({ name, label, hint, pace }) => {
      const button = document.createElement('button');
      button.type = 'button';
      const note = document.createElement('span');
      note.className = 'hint';
      note.textContent = hint;
      button.append(label, note);
      button.addEventListener('click', () => runFrom(button, async () => upload(await readSample(name), pace)));
      const link = document.createElement('a');
      link.href = `/samples/${name}`;
      link.download = name;
      link.textContent = 'CSV';
      link.setAttribute('aria-label', `Download ${name}`);
      const item = document.createElement('li');
      item.append(button, link);
      return item;
    }),
  );
}
