// The Content-Security-Policy of the page.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pusherFromEnv } from 'inloop/backend';

// A page has its import map inside it, as an inline script. The hash allows this one and no other.
const [, map] = /<script type="importmap">(.*?)<\/script>/s.exec(readFileSync('public/index.html', 'utf8'));
const hash = createHash('sha256').update(map).digest('base64');

const { browser } = pusherFromEnv(process.env); // null for hosted Pusher
const bus = browser
  ? `${browser.tls ? 'wss' : 'ws'}://${browser.host}:${browser.port}`
  : 'wss://*.pusher.com https://*.pusher.com';

export const policy = `default-src 'none'; script-src 'self' 'sha256-${hash}'; connect-src 'self' ${bus}; img-src data:`;
