// The manifests in deploy/kubernetes/ are valid for Kubernetes and KEDA, and fit the way in which servers and workers end.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { REPOSITORY } from '../../dev/paths.ts';
import { checkWorkerOptions } from '../../worker/options.ts';
import { backendOn, NO_BUS } from '../support/parts.ts';
import { typeCheck } from '../support/type-check.ts';

const FOLDER = join(REPOSITORY, 'deploy', 'kubernetes');

/** Where the types of an `apiVersion` are. They are made from the schemas of Kubernetes 1.31 and KEDA. */
const TYPES: Readonly<Record<string, string>> = {
  v1: 'kubernetes-models/v1',
  'apps/v1': 'kubernetes-models/apps/v1',
  'policy/v1': 'kubernetes-models/policy/v1',
  'autoscaling/v2': 'kubernetes-models/autoscaling/v2',
  'keda.sh/v1alpha1': '@kubernetes-models/keda/keda.sh/v1alpha1',
};

interface Reference {
  readonly name: string;
}
interface Container {
  readonly name: string;
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly valueFrom?: object }[];
  readonly envFrom: readonly { readonly configMapRef?: Reference; readonly secretRef?: Reference }[];
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly livenessProbe?: object;
  readonly readinessProbe?: { readonly httpGet: { readonly path: string } };
  readonly securityContext: object;
}
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  /** Of a Secret. */
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly replicas?: number;
    readonly scaleTargetRef?: { readonly name: string };
    readonly selector: { readonly matchLabels: object };
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly automountServiceAccountToken: boolean;
        readonly securityContext: object;
        readonly containers: readonly [Container];
      };
    };
  };
}

const files = readdirSync(FOLDER).filter((name) => name !== 'kustomization.yaml');
const manifests = files.flatMap((name) =>
  parseAllDocuments(readFileSync(join(FOLDER, name), 'utf8')).map((document) => document.toJS() as Manifest),
);
const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
const podOf = (name: string) =>
  deployments.find(({ metadata }) => metadata.name === name)?.spec.template
    .spec as Manifest['spec']['template']['spec'];

describe('deploy/kubernetes', () => {
  it('has only what the schemas know', async () => {
    const code = manifests.flatMap((manifest, n) => [
      `import type { I${manifest.kind} as I${n} } from ${JSON.stringify(TYPES[manifest.apiVersion])};`,
      `export const manifest${n}: I${n} = ${JSON.stringify(manifest)};`,
    ]);
    expect(await typeCheck({ 'manifests.ts': code.join('\n') })).toBe('');
  }, 60_000);

  it('is listed in kustomization.yaml, but for the Soketi that one may add', () => {
    const list = readFileSync(join(FOLDER, 'kustomization.yaml'), 'utf8');
    expect(files.filter((name) => !list.includes(`- ${name}\n`))).toEqual(['soketi.yaml']);
  });

  it('runs each container without rights and on a read-only root', () => {
    for (const { spec } of deployments) {
      const pod = spec.template.spec;
      // No container asks the API of Kubernetes for anything.
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(pod.containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(spec.selector.matchLabels).toEqual(spec.template.metadata.labels);
    }
  });

  it('gives each container the secrets that it needs, and no other', () => {
    const push = ['PUSHER_APP_ID', 'PUSHER_KEY', 'PUSHER_SECRET'];
    const needed = { server: [...push, 'REDIS_URL'], worker: [...push, 'REDIS_URL'], soketi: push };
    const secrets = new Map(manifests.map(({ metadata, stringData = {} }) => [metadata.name, Object.keys(stringData)]));
    const given = deployments.map(({ metadata, spec }) => {
      const [{ env, envFrom }] = spec.template.spec.containers;
      expect(env.filter(({ valueFrom }) => valueFrom)).toEqual([]);
      return [metadata.name, envFrom.flatMap(({ secretRef }) => (secretRef ? secrets.get(secretRef.name) : [])).sort()];
    });
    expect(Object.fromEntries(given)).toEqual(needed);
  });

  it('gives a worker the time to drain, and a server the time to leave the Service', async () => {
    const backend = backendOn({ ...NO_BUS, REDIS_URL: 'redis://127.0.0.1:1' });
    const { drain, grace } = checkWorkerOptions({ backend });
    await backend.close();
    expect(podOf('worker').terminationGracePeriodSeconds * 1_000).toBeGreaterThan(drain + grace + 5_000);
    const { terminationGracePeriodSeconds, containers } = podOf('server');
    const [, seconds] = containers[0].lifecycle?.preStop.exec.command ?? [];
    expect(terminationGracePeriodSeconds).toBeGreaterThan(Number(seconds) + 5);
  });

  it('takes no pod away because Redis or the bus is away, and kills no worker whose event loop is blocked', () => {
    expect(podOf('server').containers[0].readinessProbe?.httpGet.path).toBe('/healthz');
    expect(podOf('worker').containers[0].livenessProbe).toBeUndefined();
  });

  it('says no number of pods where something scales them: each deploy would set it again', () => {
    const scaled = manifests.flatMap(({ spec }) => spec?.scaleTargetRef?.name ?? []);
    expect(scaled.sort()).toEqual(['server', 'worker']);
    const numbered = deployments.filter(({ spec }) => spec.replicas !== undefined);
    expect(numbered.map(({ metadata }) => metadata.name)).toEqual(['soketi']);
  });

  it('scales the workers by a metric that there is', () => {
    const scaling = readFileSync(join(FOLDER, 'worker-scaling.yaml'), 'utf8');
    const operating = readFileSync(join(REPOSITORY, 'docs', 'operating.md'), 'utf8');
    const used = scaling.match(/inloop_\w+/g) ?? [];
    expect(used).toHaveLength(1);
    expect(operating).toContain(`| \`${used[0]}\` | gauge; \`name\` |`);
  });
});
