// Which part may import which, and why. For `npm run check`, which prints the name of a broken rule and its reason.
// Paths are regular expressions, from the repository's root. `import type` counts like any other import.
// test/repository/boundaries.test.ts breaks each rule once.

/** The houses that adopters install. */
const library = '^(core|backend|server|worker|client|testing|metrics|tracing|operator|cli|soketi)/';
/** The tests that stand beside the code. Most rules leave them out. */
const tests = String.raw`\.test\.ts$|^client/test-support/`;

/** Of each house: which others of ours it may import, and why no more. */
const houses = {
  core: [[], 'It runs in every server and every browser.'],
  backend: [['core'], 'It is what server and worker share.'],
  server: [['core', 'backend'], 'A web process must not pull in the worker or the browser.'],
  worker: [['core', 'backend'], 'A worker must not pull in the web server or the browser.'],
  client: [['core'], 'Nothing of the server may reach a browser bundle.'],
  testing: [
    ['core', 'backend', 'worker', 'client'],
    'It runs the real parts in a test. No other house may import it: what is for tests must not get into an application.',
  ],
  metrics: [['core', 'backend'], 'It reads the named events of any process, whichever houses that process uses.'],
  operator: [
    ['core', 'backend', 'server', 'client'],
    'It is mounted in a web process, and does for all owners what the task server does for one. Its page is a script for browsers, and looks like the tray.',
  ],
  tracing: [['core', 'backend'], 'It shows the tasks of any process, whichever houses that process uses.'],
  soketi: [[], 'It is loaded into a process of its own, which has nothing of ours.'],
  cli: [
    ['core', 'backend', 'soketi'],
    'It looks at Redis and the bus as server and worker do, and starts Soketi. It runs beside an application, never inside it.',
  ],
  dev: [
    ['soketi', 'cli'],
    'It builds the houses and runs them as processes, so it must work before any is built. It starts Redis and Soketi as `npx inloop dev` does.',
  ],
};

/** Of each package: the only place in the library that imports it. */
const onePlace = {
  'bee-queue': '^backend/queue/',
  pusher: String.raw`^backend/push/bus/bus\.ts$`,
  '@redis/client': '^backend/(redis|store)/',
  'pusher-js': '^client/push/',
  react: '^client/react/',
  'prom-client': '^metrics/',
  '@opentelemetry/api': '^tracing/',
};

const rules = [
  ...Object.entries(houses).map(([house, [others, why]]) => ({
    name: `${house}-imports-${others.join('-and-') || 'nothing-of-ours'}`,
    comment: why,
    from: { path: `^${house}/`, pathNot: tests },
    to: { dependencyTypes: ['local'], pathNot: `^(${[house, ...others].join('|')})/` },
  })),
  ...Object.entries(onePlace).map(([name, place]) => ({
    name: `one-place-knows-${name.replace(/\W+/g, '-').replace(/^-/, '')}`,
    comment: `Only ${place} imports ${name}. So its traps have to be handled in one place only, and it can be replaced.`,
    from: { path: library, pathNot: `${place}|${tests}` },
    to: { path: `^node_modules/${name}/` },
  })),
  {
    name: 'browsers-have-no-node',
    comment: 'core, client, the fake feed and the operator’s page run in browsers.',
    from: { path: '^(core|client|testing/feed|operator/page)/', pathNot: tests },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'fake-feed-runs-in-browsers',
    comment: 'Stories and tests in a page load inloop/testing/feed.',
    from: { path: '^testing/feed/', pathNot: tests },
    to: { dependencyTypes: ['local'], pathNot: '^(testing/feed|client|core)/' },
  },
  {
    name: 'operator-page-runs-in-browsers',
    comment: 'Nothing of a server may reach the script of the operator’s page.',
    from: { path: '^operator/page/', pathNot: tests },
    to: { dependencyTypes: ['local'], pathNot: '^(operator/page|client|core)/' },
  },
  {
    name: 'operator-serves-its-page-as-text',
    comment: 'The router must not load code for browsers: it sends the page as text.',
    from: { path: '^operator/', pathNot: `^operator/page/|${tests}` },
    to: { dependencyTypes: ['local'], path: '^(operator/page|client)/' },
  },
  {
    name: 'hooks-draw-nothing',
    comment: 'The React hooks leave to the page what is drawn.',
    from: { path: '^client/react/', pathNot: tests },
    to: { path: '^client/element/|^node_modules/react-dom/' },
  },
  {
    name: 'demo-imports-published-entries',
    comment:
      'It shows what an adopter can do: it imports inloop, inloop/server and so on. (examples/: see biome.json.)',
    from: { path: '^demo/', pathNot: tests },
    to: { dependencyTypes: ['local'], pathNot: '^demo/' },
  },
  {
    name: 'inside-import-by-path',
    comment:
      'The published entries are for adopters. Here they would lead to the last build in dist/, not to the sources.',
    from: { path: library },
    to: { path: '^(inloop(/|$)|dist/)' },
  },
  {
    name: 'adopters-have-it-installed',
    comment: 'Whatever the library imports must stand under dependencies or peerDependencies in package.json.',
    from: { path: library, pathNot: tests },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'npm-peer'] },
  },
  {
    name: 'no-circles',
    comment:
      'Of two files that import each other, neither can be read or tested without the other. `import type` counts, too.',
    from: {},
    to: { circular: true },
  },
];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: rules.map((rule) => ({ ...rule, severity: 'error' })),
  options: {
    // TypeScript 7 has no parser for other programs. swc, which compiles our tests, has one.
    parser: 'swc',
    doNotFollow: { path: '^(node_modules|dist)/' },
    // dependency-cruiser cannot read Vue. The only Vue file is in examples/, for which biome.json has the rule.
    exclude: { path: String.raw`^\.inloop/|\.vue$` },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.cjs'] },
  },
};
