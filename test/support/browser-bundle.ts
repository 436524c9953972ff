// Pages for tests of what runs in a browser: a script bundled from source, on a page of the test's own Express app.
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Express, RequestHandler } from 'express';
import { REPOSITORY } from '../../dev/paths.ts';

/** TypeScript for browsers as one script; imports are relative to the folder `test`. */
export async function bundleForBrowser(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(REPOSITORY, 'test'), loader: 'ts' },
    ...{ bundle: true, write: false, platform: 'browser', format: 'iife', target: 'es2022' },
  });
  return outputFiles[0]?.text ?? '';
}

/** Serves an empty page that runs `script`, at `path`; `before` may set headers, such as a policy. */
export function servePage(app: Express, path: string, script: string, before: RequestHandler[] = []): void {
  app.get(path, ...before, (_req, res) => {
    res.type('html').send(`<!doctype html><title>Test</title><script src="${path}.js" defer></script>`);
  });
  app.get(`${path}.js`, (_req, res) => {
    res.type('js').send(script);
  });
}
