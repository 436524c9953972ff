import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { REPOSITORY } from '../../dev/paths.ts';
import { soketiCommand } from '../../dev/stack/soketi.ts';
import { installCommands } from '../../soketi/find-soketi.ts';
import { createPusherApp } from '../../soketi/pusher-app.ts';
import { SAFE_SETTINGS, TASK_CHANNELS_ONLY } from '../../soketi/settings.cjs';

interface ComposeService {
  command: string[];
  image?: string;
  build?: string;
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[]; interval: string; retries: number };
  volumes?: string[];
}

const read = (file: string): string => readFileSync(join(REPOSITORY, file), 'utf8');
const source = read('docker-compose.yml');
const compose = parse(source, { merge: true }) as {
  services: Record<string, ComposeService>;
  volumes: Record<string, null>;
};
const { redis, soketi, server, worker } = compose.services as Record<string, ComposeService>;
const exampleLines = read('.env.example').split('\n');
const exampleNames = exampleLines.flatMap((line) => line.match(/^(?:# )?([A-Z][A-Z_]*)=/)?.[1] ?? []);

describe('docker-compose.yml', () => {
  it('runs Redis, Soketi, a server and a worker, each with a health check', () => {
    expect(Object.keys(compose.services).sort()).toEqual(['redis', 'server', 'soketi', 'worker']);
    for (const service of Object.values(compose.services)) {
      expect(service.healthcheck?.test[0]).toBe('CMD');
      expect(service.healthcheck?.retries).toBeGreaterThan(1);
      expect(service.image).toBeDefined();
    }
  });

  it('starts server and worker only when Redis and Soketi are healthy', () => {
    const healthy = { redis: { condition: 'service_healthy' }, soketi: { condition: 'service_healthy' } };
    expect(server?.depends_on).toEqual(healthy);
    expect(worker?.depends_on).toEqual(healthy);
  });

  it('names only variables that .env.example explains', () => {
    const asked = [...source.matchAll(/\$\{([A-Z_]+)/g)].map((match) => match[1]);
    const given = [server, worker].flatMap((service) => Object.keys(service?.environment ?? {}));
    for (const name of [...asked, ...given]) expect(exampleNames).toContain(name);
  });

  it('keeps the data of Redis and of the demo in volumes, the latter shared by server and worker', () => {
    for (const service of [redis, server, worker]) {
      expect(Object.keys(compose.volumes)).toContain(service?.volumes?.[0]?.split(':')[0]);
    }
    expect(server?.volumes).toEqual(worker?.volumes);
    expect(redis?.command).toEqual(expect.arrayContaining(['--appendonly', 'yes']));
  });

  it('hardens Soketi with the same preload file and the same limits as the local stack', async () => {
    expect(soketi?.command).toContain('--require');
    for (const path of soketi?.command.filter((word) => word.startsWith('/app/')) ?? []) {
      expect(existsSync(join(REPOSITORY, path.slice('/app/'.length)))).toBe(true);
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

describe('deploy/soketi.Dockerfile', () => {
  const file = read('deploy/soketi.Dockerfile');

  it('installs Soketi with the commands that inloop prints when it is missing', () => {
    const [override, install] = installCommands().split(' && ');
    const soketiPackage = install?.split(' ').at(-1);
    expect(file).toContain(override);
    expect(file).toMatch(new RegExp(`npm install .* ${soketiPackage}$`, 'm'));
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
