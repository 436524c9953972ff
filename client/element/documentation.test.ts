// What docs/tray.md names is what there is: parts, custom properties and attributes, and nothing is left out.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const page = readFileSync(join(__dirname, '../../docs/tray.md'), 'utf8');
const sources = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
);
const code = sources.map((name) => readFileSync(join(__dirname, name), 'utf8')).join('\n');
const find = (text: string, pattern: RegExp) => new Set([...text.matchAll(pattern)].map((match) => match[1]));

describe('docs/tray.md', () => {
  it('names every part', () => {
    // A row in the panel and one in a toast have the same parts, under two names: `task-dismiss` and `toast-dismiss`.
    const ofRows = ['', ...find(code, /part: `\$\{part\}(-[a-z]+)`/g)].flatMap((end) => [`task${end}`, `toast${end}`]);
    // `setTexts` makes the part `remark`.
    const parts = new Set([...find(code, /part: '([a-z-]+)'/g), ...ofRows, 'remark']);
    const [, listed = ''] = /- Parts: ([\s\S]*?)\n\n/.exec(page) ?? [];
    // The sentence after the list, which begins with "While", names no parts.
    const named = find(listed.replace(/While\s[\s\S]*/, ''), /`([a-z-]+)`/g);
    expect([...named].sort()).toEqual([...parts].sort());
  });

  it('names every custom property', () => {
    const [, section = ''] = /## Restyle it([\s\S]*?)\n## /.exec(page) ?? [];
    expect([...find(section, /`(--inloop-[a-z-]+)`/g)].sort()).toEqual([...find(code, /(--inloop-[a-z-]+)/g)].sort());
  });

  it('names every attribute', () => {
    const read = find(code, /(?:this|host)\.[gh]\w+Attribute\('([a-z-]+)'/g);
    const styled = find(code, /:host\(\[([a-z]+)=/g);
    const named = find(page, /^\| `([a-z-]+)[`=]/gm);
    expect([...named].sort()).toEqual([...new Set([...read, ...styled])].sort());
  });
});
