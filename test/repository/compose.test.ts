// docker-compose.yml, the Dockerfiles and .env.example: they fit each other and the code that reads their variables.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { pusherFromEnv } from '../../backend/push/bus/pusher-env.ts';
import { readServerSettings, readWorkerSettings } from '../../demo/settings.ts';
import { REPOSITORY } from '../../dev/paths.ts';
import { soketiCommand } from '../../dev/stack/soketi.ts';
import { installCommands } from '../../soketi/find-soketi.ts';
import { createPusherApp } from '../../soketi/pusher-app.ts';
import { SAFE_SETTINGS, TASK_CHANNELS_ONLY } from '../../soketi/settings.cjs';

interface ComposeService {
  command?: string[];
  image: string;
  build?: { dockerfile: string; target: string };
  profiles?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[]; interval: string; retries: number };
  volumes?: string[];
  networks?: { default: { aliases: string[] } };
  stop_grace_period?: string;
  read_only?: boolean;
  cap_drop?: string[];
}

const read = (file: string): string => readFileSync(join(REPOSITORY, file), 'utf8');
const source = read('docker-compose.yml');
const compose = parse(source, { merge: true }) as {
  services: Record<string, ComposeService>;
  volumes: Record<string, null>;
};
const { redis, soketi } = compose.services as Record<string, ComposeService>;
const inProfile = (profile: string): [string, ComposeService][] =>
  Object.entries(compose.services).filter(([, { profiles }]) => profiles === undefined || profiles.includes(profile));
const servers = Object.values(compose.services).filter(({ command }) => command?.[1] === 'dist/demo/server.js');
const workers = Object.values(compose.services).filter(({ command }) => command?.[1] === 'dist/demo/worker.js');
const dockerfile = read('deploy/Dockerfile');
const exampleLines = read('.env.example').split('\n');
const exampleNames = exampleLines.flatMap((line) => line.match(/^(?:# )?([A-Z][A-Z_]*)=/)?.[1] ?? []);

describe('docker-compose.yml', () => {
  it.each([
    ['dev', ['redis', 'server', 'soketi', 'worker']],
    ['hosted', ['redis', 'server-hosted', 'worker-hosted']],
    ['scaled', ['proxy', 'redis', 'server-scaled', 'soketi', 'worker-scaled']],
  ])('starts in the profile %s the services that it needs, each after those that it depends on', (profile, names) => {
    const services = inProfile(profile);
    expect(services.map(([name]) => name).sort()).toEqual(names);
    for (const [, { depends_on = {}, build }] of services) {
      expect(names).toEqual(expect.arrayContaining(Object.keys(depends_on)));
      for (const { condition } of Object.values(depends_on)) expect(condition).toBe('service_healthy');
      if (build?.target === 'demo') expect(Object.keys(depends_on)).toContain('redis');
    }
    expect(exampleLines).toContain('COMPOSE_PROFILES=dev');
  });

  it('has a health check for every image', () => {
    for (const { build, healthcheck } of Object.values(compose.services)) {
      if (build) continue;
      expect(healthcheck?.test[0]).toBe('CMD');
      expect(healthcheck?.retries).toBeGreaterThan(1);
    }
    for (const target of ['soketi', 'demo']) expect(stage(target)).toMatch(/^HEALTHCHECK .*--retries=\d+ CMD \[/m);
  });

  it('gives our containers no rights and a read-only root, and workers and Soketi the time to end', () => {
    for (const service of Object.values(compose.services).filter(({ build }) => build)) {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        tmpfs: ['/tmp'],
      });
    }
    const [, drain] = /drain: '(\d+)s'/.exec(read('demo/worker.ts')) ?? [];
    // The default of `grace` is 5 s.
    for (const { stop_grace_period } of workers)
      expect(Number.parseInt(stop_grace_period ?? '', 10)).toBeGreaterThan(Number(drain) + 5);
    // A lookup without an answer takes 10 s.
    expect(Number.parseInt(soketi?.stop_grace_period ?? '', 10)).toBeGreaterThan(10);
  });

  it('leads nginx and the webhook of Soketi to the servers, by one name', () => {
    expect(compose.services['server-scaled']?.networks?.default.aliases).toEqual(['server']);
    expect(read('deploy/nginx.conf')).toContain('server server:3000 resolve;');
    expect(soketi?.environment?.SOKETI_DEFAULT_APP_WEBHOOKS).toContain('"http://server:3000/tasks/webhook"');
  });

  it('tells the servers the address that nginx sees, not one that a browser claims', () => {
    expect(read('deploy/nginx.conf')).toContain('proxy_set_header X-Forwarded-For $remote_addr;');
  });

  it('names only variables that .env.example explains', () => {
    const asked = [...source.matchAll(/\$\{([A-Z_]+)/g)].map((match) => match[1]);
    const given = [...servers, ...workers].flatMap((service) => Object.keys(service.environment ?? {}));
    for (const name of [...asked, ...given]) expect(exampleNames).toContain(name);
  });

  it.each([
    ...servers.map((service) => ['a server', readServerSettings, service] as const),
    ...workers.map((service) => ['a worker', readWorkerSettings, service] as const),
  ])('gives %s what it needs, and nothing that it does not read', (_kind, readSettings, { environment = {} }) => {
    const asked = new Set<string>();
    const [, image = ''] = /^ENV (.*)$/m.exec(stage('demo')) ?? [];
    const values = Object.fromEntries([
      ...image.split(' ').map((assignment) => assignment.split('=')),
      ...Object.entries(environment).map(([name, text]) => [name, composeValue(text)]),
    ]);
    const env = new Proxy<Record<string, string>>(values, {
      get(target, name: string) {
        asked.add(name);
        return target[name];
      },
    });
    readSettings(env);
    pusherFromEnv(env);
    expect(Object.keys(environment).filter((name) => !asked.has(name))).toEqual([]);
  });

  it('gives Soketi its own settings only', () => {
    expect(Object.keys(soketi?.environment ?? {}).filter((name) => !/^(INLOOP_)?SOKETI_/.test(name))).toEqual([]);
  });

  it('keeps the data of Redis and of the demo in volumes, the latter shared by server and worker', () => {
    for (const service of [redis, ...servers, ...workers]) {
      expect(Object.keys(compose.volumes)).toContain(service?.volumes?.[0]?.split(':')[0]);
    }
    expect(servers).toHaveLength(3);
    expect(servers.map(({ volumes }) => volumes)).toEqual(workers.map(({ volumes }) => volumes));
    expect(redis?.command).toEqual(expect.arrayContaining(['--appendonly', 'yes']));
  });

  it('hardens Soketi with the same preload file and the same limits as the local stack', async () => {
    const command = /^CMD (.*)$/m.exec(stage('soketi'))?.[1] ?? '';
    expect(command).toContain(
      '"--require", "/app/soketi/preload.cjs", "/app/node_modules/@soketi/soketi/bin/server.js"',
    );
    for (const path of ['soketi/preload.cjs', 'node_modules/@soketi/soketi/bin/server.js']) {
      expect(existsSync(join(REPOSITORY, path))).toBe(true);
    }
    const app = createPusherApp();
    const local = await soketiCommand({
      node: 'node',
      app,
      port: 1,
      folder: tmpdir(),
      webhookUrl: 'http://server:3000/tasks/webhook',
      tasksOnly: true,
    });
    const safe = Object.keys({ ...SAFE_SETTINGS, ...TASK_CHANNELS_ONLY });
    expect(safe).toHaveLength(9);
    const names = [...safe, 'SOKETI_DEFAULT_APP_WEBHOOKS'];
    for (const name of names) expect([name, soketi?.environment?.[name]]).toEqual([name, local.env[name]]);
  });
});

/** What a value of docker-compose.yml becomes with an .env that sets only what must be set. */
function composeValue(text: string): string {
  return text
    .replace(/\$\{PUSHER_CLUSTER:-\}/, 'eu')
    .replace(/\$\{\w+:-([^}]*)\}/, '$1')
    .replace(/\$\{(\w+):\?[^}]*\}/, 'a value of $1');
}

/** The lines of one stage of deploy/Dockerfile. */
function stage(name: string): string {
  const [, text = ''] = dockerfile.split(new RegExp(`^FROM .* AS ${name}$`, 'm'));
  return text.split(/^FROM /m)[0] ?? '';
}

describe('deploy/Dockerfile', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;

  it('keeps the packages that the demo and the houses it imports need, and no other', () => {
    const [, list = ''] = /^RUN node deploy\/keep-packages\.mjs (.*)$/m.exec(stage('demo-packages')) ?? [];
    const kept = list.split(' ').sort();
    expect(kept.filter((name) => !(name in { ...devDependencies, ...dependencies }))).toEqual([]);
    const houses = [...stage('demo').matchAll(/^COPY --from=build \/app\/dist\/(\w+) /gm)].map(
      ([, house = '']) => house,
    );
    const imports = new Set(houses.flatMap((house) => importsOf(house)));
    const ours = [...imports].filter((name) => name.startsWith('inloop')).map((name) => name.split('/')[1] ?? 'core');
    expect(houses).toEqual(expect.arrayContaining(ours));
    const packages = [...imports]
      .filter((name) => !/^(node:|inloop)/.test(name))
      .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0]);
    expect([...new Set(packages)].sort()).toEqual(kept);
  });

  it('runs as a user by number, who is not root, and Node is the process that gets the signals', () => {
    for (const target of ['soketi', 'demo']) {
      expect(stage(target)).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
      expect(stage(target)).toMatch(/^CMD \["node", /m);
    }
  });

  it('copies nothing that .dockerignore leaves out', () => {
    const ignored = read('.dockerignore').trim().split('\n');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    expect(copied).toEqual(expect.arrayContaining(['package.json', 'deploy/keep-packages.mjs', 'soketi', '.']));
    for (const name of copied.filter((name) => name !== '.')) {
      expect([name, existsSync(join(REPOSITORY, name)), ignored.includes(name)]).toEqual([name, true, false]);
    }
    expect(ignored).toEqual(expect.arrayContaining(['.env', '.git', 'node_modules', 'dist']));
  });
});

/** What the code of a house imports when it runs. Types, tests, tools and the page for browsers are left out. */
function importsOf(house: string): string[] {
  const files = readdirSync(join(REPOSITORY, house), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !/^(page|testing|tools)\b/.test(name),
  );
  return files.flatMap((name) => {
    const code = read(join(house, name)).replace(/^(import|export) type [^;]*;/gm, '');
    return [...code.matchAll(/^(?:import|export) (?:[^;']* from )?'([^.'][^']*)'/gm)].map(([, from = '']) => from);
  });
}

describe('deploy/soketi.Dockerfile', () => {
  const file = read('deploy/soketi.Dockerfile');

  it('installs Soketi with the commands that inloop prints when it is missing', () => {
    const [override, install] = installCommands().split(' && ');
    const soketiPackage = install?.split(' ').at(-1);
    expect(file).toContain(override);
    expect(file).toMatch(new RegExp(`npm install .* ${soketiPackage}$`, 'm'));
  });

  it('runs as a user by number, who is not root', () => {
    expect(file).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
  });

  it('runs the command of the published package', () => {
    const { bin } = JSON.parse(read('package.json')) as { bin: { inloop: string } };
    expect(file).toContain(`"node_modules/inloop/${bin.inloop.replace('./', '')}", "soketi"`);
  });
});

it('neither docker-compose.yml nor .env.example has a setting for making trouble', () => {
  expect(source + exampleLines.join('\n')).not.toMatch(/trouble/i);
});

describe('.env.example', () => {
  it('lists every variable once, with a comment above it', () => {
    expect(new Set(exampleNames).size).toBe(exampleNames.length);
    for (const name of exampleNames) {
      const index = exampleLines.findIndex((line) => line.replace(/^# /, '').startsWith(`${name}=`));
      expect([name, exampleLines[index - 1]]).toEqual([name, expect.stringMatching(/^# .+/)]);
    }
  });

  it.each([
    'REDIS_URL PUSHER_APP_ID PUSHER_KEY PUSHER_SECRET PUSHER_CLUSTER PUSHER_HOST PUSHER_PORT PUSHER_TLS',
    'PUSHER_ENCRYPTION_KEY PUSHER_PUBLIC_HOST PUSHER_PUBLIC_PORT PUSHER_PUBLIC_TLS',
    'PORT HOST SESSION_SECRET DATA_DIR INLOOP_DIR INLOOP_NO_INSTALL INLOOP_CHROMIUM',
  ])('has %s', (names) => {
    expect(exampleNames).toEqual(expect.arrayContaining(names.split(' ')));
  });
});
