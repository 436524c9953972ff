// Reads a CPU profile of V8: how the busy time is divided among packages, and which of our functions took the most.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { REPOSITORY } from '../../dev/paths.ts';

/** What is used of a profile. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  /** In µs of the system's monotonic clock. */
  readonly startTime: number;
  /** Of each sample: the id of the node that ran. */
  readonly samples: readonly number[];
  /** Of each sample: the time since the one before, in µs. */
  readonly timeDeltas: readonly number[];
}

/** One of our functions. Shares are of the time that the process was busy. */
export interface HotFunction {
  /** `backend/store/store.ts apply` */
  readonly name: string;
  /** The share of the function alone. */
  readonly self: number;
  /** The share of the function and of everything that it calls. */
  readonly total: number;
}

/** What a profile says. */
export interface ProfileSummary {
  /** Share of the time in which the process was busy, 0 to 1. */
  readonly busy: number;
  /** Packages (and `inloop`, `bench`, `Node`, `(garbage collector)`) with their share of the busy time, the biggest first. */
  readonly origins: readonly (readonly [string, number])[];
  /** Our own functions, the one with the biggest `self` first. */
  readonly functions: readonly HotFunction[];
}

/**
 * Reads the profile in `file`. Samples before `from` and after `to` (both on the bench's clock, in ms) are left out: they
 * belong to the start, the warm-up or the end.
 */
export function readProfile(file: string, from: number, to: number): ProfileSummary {
  const profile: CpuProfile = JSON.parse(readFileSync(file, 'utf8'));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const self = new Map<string, number>();
  const total = new Map<string, number>();
  const origins = new Map<string, number>();
  /** The time of an anonymous function of ours is added to the nearest named function of ours that calls it. */
  const namedCaller = (id: number): number => {
    if (!isAnonymous(names.get(id))) return id;
    for (let node = parents.get(id); node !== undefined; node = parents.get(node)) {
      const name = names.get(node);
      if (name?.origin === 'inloop' && !isAnonymous(name)) return node;
    }
    return id;
  };
  let at = profile.startTime / 1_000;
  let idle = 0;
  let busy = 0;
  for (const [index, id] of profile.samples.entries()) {
    const took = (profile.timeDeltas[index] ?? 0) / 1_000;
    at += took;
    const name = names.get(id);
    if (at < from || at > to || !name) continue;
    if (name.origin === 'idle') {
      idle += took;
      continue;
    }
    busy += took;
    add(origins, name.origin, took);
    add(self, names.get(namedCaller(id))?.text ?? name.text, took);
    const seen = new Set<string>();
    for (let node: number | undefined = id; node !== undefined; node = parents.get(node)) {
      const text = names.get(node)?.text;
      if (text !== undefined) seen.add(text);
    }
    for (const text of seen) add(total, text, took);
  }
  const own = new Set([...names.values()].flatMap(({ origin, text }) => (origin === 'inloop' ? [text] : [])));
  const byShare = <T extends readonly [string, number]>(entries: T[]) => entries.sort(([, a], [, b]) => b - a);
  return {
    busy: busy / (busy + idle),
    origins: byShare([...origins].map(([origin, took]) => [origin, took / busy] as const)),
    functions: byShare([...self].filter(([text]) => own.has(text))).map(([name, took]) => ({
      name,
      self: took / busy,
      total: (total.get(name) ?? 0) / busy,
    })),
  };
}

function isAnonymous(name: { origin: string; text: string } | undefined): boolean {
  return name?.origin === 'inloop' && name.text.endsWith('(anonymous)');
}

function add(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/** `origin` is a package, `inloop`, `bench`, `Node`, `idle`, or a name that V8 puts in parentheses, like `(garbage collector)`. */
function nameOf({ functionName, url }: { functionName: string; url: string }): { origin: string; text: string } {
  const name = functionName || '(anonymous)';
  if (name === '(idle)') return { origin: 'idle', text: name };
  if (url === '') return { origin: name.startsWith('(') && name !== '(anonymous)' ? name : 'Node', text: name };
  if (url.startsWith('node:')) return { origin: 'Node', text: `${url} ${name}` };
  const path = relative(REPOSITORY, url.startsWith('file:') ? fileURLToPath(url) : url);
  const packageName = /\bnode_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
  if (packageName) return { origin: packageName, text: `${path} ${name}` };
  const source = path.replace(/^dist\//, '').replace(/\.js$/, '.ts');
  return { origin: source.startsWith('bench/') ? 'bench' : 'inloop', text: `${source} ${name}` };
}
