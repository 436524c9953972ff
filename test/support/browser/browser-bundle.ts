// Bundles a script from source and serves it on a page of the test's own Express app. For tests of code that runs in a browser.
import { build, type Plugin } from 'esbuild';
import type { Express, RequestHandler } from 'express';
import { REPOSITORY } from '../../../dev/paths.ts';

export interface BundleOptions {
  /** By package: what is bundled in its place. */
  readonly alias?: Record<string, string>;
  readonly plugins?: Plugin[];
}

/** Bundles TypeScript for browsers into one script. Its imports are relative to the repository's root. */
export async function bundleForBrowser(contents: string, options: BundleOptions = {}): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: REPOSITORY, loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    ...options,
  });
  return outputFiles[0]?.text ?? '';
}

/** The HTML of a page that runs the script at `path` + `.js`. */
export function pageHtml(path: string, content = ''): string {
  return `<!doctype html><html lang="en"><title>Test</title><link rel="icon" href="data:,">
    <div id="root">${content}</div><script src="${path}.js" defer></script>`;
}

/** Serves an empty page that runs `script`, at `path`; `before` may set headers, such as a policy. */
export function servePage(app: Express, path: string, script: string, before: RequestHandler[] = []): void {
  app.get(path, ...before, (_req, res) => {
    res.type('html').send(pageHtml(path));
  });
  app.get(`${path}.js`, (_req, res) => {
    res.type('js').send(script);
  });
}
