// Builds the documentation as a static site: guides, protocol, decisions, and the API reference from the docstrings. For
// `npm run docs`. The site works in any folder of any web server, has its own search, and fetches nothing from elsewhere.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { root } from '../setup/command.mjs';

/** The groups of the sidebar, in their order, and the files of docs/ in each. A file that is in no group gets into `OTHERS`. */
const GROUPS = {
  'First steps': ['guides', 'promises', 'mounting', 'pages', 'tray', 'commands', 'troubleshooting'],
  Guides: [
    'from-polling',
    'from-pusher-trigger',
    'from-bullmq',
    'from-django',
    'origins',
    'testing',
    'recipes',
    'serverless',
  ],
  'In production': [
    'production',
    'security',
    'dependencies',
    'redis',
    'soketi',
    'workers',
    'operating',
    'incidents',
    'cost',
    'performance',
  ],
  'HTTP and push': ['protocol', 'openapi'],
  'How it works': ['architecture', 'glossary', 'CHANGELOG'],
};
const OTHERS = 'How it works';
const ENTRIES = 'Entries of the package';
const DECISIONS = 'Decisions';

/**
 * Writes the site to `folder`, which is emptied first. An exported name without a docstring, a link that leads nowhere, and whatever
 * else TypeDoc warns of is a fault of the documentation, and is printed.
 *
 * @param {string} folder
 * @returns {Promise<boolean>} false if there is a fault
 */
export async function buildSite(folder) {
  register('./typescript-for-typedoc.mjs', import.meta.url);
  const { Application, Converter, ReflectionKind } = await import('typedoc');
  const entries = readEntries();
  const openApi = writeOpenApiPage();
  const app = await Application.bootstrap(optionsFor(folder, entries, openApi));
  /** Where each document stands in its group. */
  const ranks = new Map();
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    // The content is in parts: code is a part of its own. The title is the first heading.
    const text = document.content.map((part) => part.text).join('');
    const title = /^# (.*)$/m.exec(text)?.[1]?.replaceAll('`', '') ?? document.name;
    const { group, rank } = placeOf(basename(document.name), title);
    document.frontmatter.group = group;
    ranks.set(document, rank);
    document.name = title;
  });
  const project = await app.convert();
  rmSync(dirname(openApi), { recursive: true, force: true });
  if (!project) return false;
  for (const group of project.groups ?? []) {
    if (group.title === 'Modules') group.title = ENTRIES;
    else group.children.sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
  }
  for (const [index, entry] of (project.children ?? []).entries()) {
    entry.name = entries[index]?.name ?? entry.name;
    for (const exported of entry.children ?? []) {
      const isDocumented = exported.hasComment() || exported.signatures?.some((signature) => signature.hasComment());
      if (isDocumented || exported.kind === ReflectionKind.Reference) continue;
      app.logger.warn(`${exported.name} of ${entry.name} has no docstring.`);
    }
  }
  // The start page shows the project's name as its title, so the heading of the README would be a second one.
  const [start] = project.readme ?? [];
  if (start) start.text = start.text.replace(/^# .*\n/, '');
  app.validate(project);
  await app.generateOutputs(project);
  return !app.logger.hasErrors() && !app.logger.hasWarnings();
}

/**
 * The options for TypeDoc.
 *
 * @param {string} folder where the site is written
 * @param {{ name: string, file: string }[]} entries
 * @param {string} openApi the file of the page about the HTTP calls
 * @returns {import('typedoc').TypeDocOptions}
 */
function optionsFor(folder, entries, openApi) {
  return {
    name: 'inloop',
    entryPoints: entries.map(({ file }) => file),
    basePath: root,
    tsconfig: join(root, 'dev', 'site', 'tsconfig.json'),
    // `npm run check` checks the types, with the TypeScript of the repository.
    skipErrorChecking: true,
    out: folder,
    readme: join(root, 'README.md'),
    projectDocuments: [
      ...['docs/*.md', 'docs/guides/*.md', 'docs/decisions/*.md', 'CHANGELOG.md'].map((files) => join(root, files)),
      openApi,
    ],
    navigation: { includeGroups: true },
    groupOrder: [...Object.keys(GROUPS), 'Modules', DECISIONS, '*'],
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
    // A type that is not exported, and only mentioned by an exported one, is shown by its name.
    validation: { notExported: false, notDocumented: false, invalidLink: true, invalidPath: true },
  };
}

/**
 * The group of a document, and its place in the group. A README goes by its title in lower case: docs/guides/README.md is `guides`.
 * @param {string} file its name, without the extension
 * @param {string} title
 * @returns {{ group: string, rank: number }}
 */
function placeOf(file, title) {
  if (/^\d{4}-/.test(file) || title === DECISIONS) return { group: DECISIONS, rank: Number.parseInt(file, 10) || 0 };
  const name = file === 'README' ? title.toLowerCase() : file;
  const [group, files] = Object.entries(GROUPS).find(([, names]) => names.includes(name)) ?? [OTHERS, []];
  return { group, rank: files.indexOf(name) };
}

/** Writes the OpenAPI document as a page that can be read and searched. The caller has to remove its folder. @returns {string} its file */
function writeOpenApiPage() {
  // TypeDoc wants all documents below the root.
  mkdirSync(join(root, 'dist'), { recursive: true });
  const file = join(mkdtempSync(join(root, 'dist', 'pages-')), 'openapi.md');
  const yaml = readFileSync(join(root, 'docs/openapi.yaml'), 'utf8');
  writeFileSync(
    file,
    `# HTTP calls (OpenAPI 3.1)\n\nFor generators of clients and for tools. A test compares it with real answers.\n\n\`\`\`yaml\n${yaml}\n\`\`\`\n`,
  );
  return file;
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
