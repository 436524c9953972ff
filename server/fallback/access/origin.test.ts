import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { relationOf } from './origin.ts';

describe('origins', () => {
  const req = (headers: Record<string, string>) =>
    ({ headers, socket: { remoteAddress: '10.0.0.9' } }) as IncomingMessage;
  const never = () => false;

  it.each([
    [{ host: 'a.example' }, 'own'],
    [{ host: 'a.example', origin: 'https://a.example' }, 'own'],
    [{ host: 'a.example:443', origin: 'https://a.example' }, 'own'],
    [{ host: 'A.example:80', origin: 'http://a.example' }, 'own'],
    [{ host: 'a.example:8080', origin: 'http://a.example:8080' }, 'own'],
    [{ host: 'a.example', origin: 'https://a.example:8443' }, 'foreign'],
    [{ host: 'a.example', origin: 'https://b.example' }, 'foreign'],
    [{ host: 'a.example', origin: 'https://a.example.evil' }, 'foreign'],
    [{ host: 'null', origin: 'null' }, 'foreign'],
    [{ host: '', origin: '' }, 'foreign'],
    [{ host: 'inner', origin: 'https://a.example', 'sec-fetch-site': 'same-origin' }, 'own'],
    [{ host: 'inner', origin: 'https://a.example', 'sec-fetch-site': 'same-site' }, 'foreign'],
    [{ host: 'a.example', origin: 'https://listed.example', 'sec-fetch-site': 'cross-site' }, 'listed'],
    [{ host: 'listed.example', origin: 'https://listed.example' }, 'own'],
  ])('%j: %s', (headers, relation) => {
    const listed = new Set(['https://listed.example']);
    expect(relationOf(req(headers as Record<string, string>), listed, never)).toBe(relation);
  });
});
