// Builds the documentation as a static site: guides, protocol, decisions, and the API reference from the docstrings. For
// `npm run docs`. The site works in any folder of any web server, has its own search, and fetches nothing from elsewhere.
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { root } from '../setup/command.mjs';

/**
 * Writes the site to `folder`, which is emptied first. It fails if an exported name has no docstring, a link leads nowhere,
 * or TypeDoc warns of anything else. The lines that are printed then say what to mend.
 *
 * @param {string} folder
 * @returns {Promise<boolean>} whether nothing is to be mended
 */
export async function buildSite(folder) {
  register('./typescript-for-typedoc.mjs', import.meta.url);
  const { Application, ReflectionKind } = await import('typedoc');
  const entries = readEntries();
  const app = await Application.bootstrap({
    name: 'inloop',
    entryPoints: entries.map(({ file }) => file),
    basePath: root,
    tsconfig: join(root, 'dev', 'site', 'tsconfig.json'),
    // `npm run check` finds errors of types, with the TypeScript of the repository.
    skipErrorChecking: true,
    out: folder,
    readme: join(root, 'README.md'),
    projectDocuments: ['docs/*.md', 'docs/guides/*.md', 'docs/decisions/*.md', 'CHANGELOG.md'].map((files) =>
      join(root, files),
    ),
    sort: ['documents-first', 'alphabetical'],
    sortEntryPoints: false,
    searchInDocuments: true,
    searchInComments: true,
    disableSources: true,
    hideGenerator: true,
    favicon: join(root, 'demo/page/icon.svg'),
    // Names like Socket.IO are no links.
    markdownItOptions: { html: true, linkify: false },
    highlightLanguages: [
      'bash',
      'css',
      'html',
      'ini',
      'js',
      'json',
      'jsx',
      'nginx',
      'python',
      'ts',
      'tsx',
      'vue',
      'yaml',
    ],
    // Types of parts inside, which only an exported type mentions, are shown by name.
    validation: { notExported: false, notDocumented: false, invalidLink: true, invalidPath: true },
  });
  const project = await app.convert();
  if (!project) return false;
  for (const [index, entry] of (project.children ?? []).entries()) {
    entry.name = entries[index]?.name ?? entry.name;
    for (const exported of entry.children ?? []) {
      const isDocumented = exported.hasComment() || exported.signatures?.some((signature) => signature.hasComment());
      if (isDocumented || exported.kind === ReflectionKind.Reference) continue;
      app.logger.warn(`${exported.name} of ${entry.name} has no docstring.`);
    }
  }
  for (const document of project.documents ?? []) {
    const [text] = document.content;
    document.name = /^# (.*)$/m.exec(text?.text ?? '')?.[1]?.replaceAll('`', '') ?? document.name;
  }
  app.validate(project);
  await app.generateOutputs(project);
  return !app.logger.hasErrors() && !app.logger.hasWarnings();
}

/** The published entries of package.json: their names, like `inloop/server`, and their sources. */
function readEntries() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.entries(exports).flatMap(([path, { types }]) =>
    types === undefined
      ? []
      : { name: path.replace('.', 'inloop'), file: join(root, types.replace('dist/', '').replace(/\.d\.ts$/, '.ts')) },
  );
}
