import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyText } from '../test/support/fakes/any-value.ts';
import { channelOf, isOwnerChannel, userIdOf } from './channel.ts';
import { TaskError } from './error.ts';
import { MAX_CHANNEL_LENGTH, MAX_OWNER_LENGTH } from './limits.ts';

const PREFIXES = [
  { encrypted: false, prefix: 'private-user-' },
  { encrypted: true, prefix: 'private-encrypted-user-' },
] as const;

/** Any text that is well-formed Unicode, with the characters that channels treat specially more often than others. */
const anyOwner = fc
  .oneof(
    anyText({ minLength: 1, maxLength: 200 }),
    fc.string({ unit: fc.constantFrom(..."az09_-=@,.;%~!*'() /:ß€😀"), minLength: 1, maxLength: 200 }),
  )
  .filter((owner) => isWellFormed(owner));

const isWellFormed = (text: string) => Buffer.from(text).toString() === text;

/** What a channel says of its owner, or null where it holds a hash. */
function ownerIn(channel: string): string | null {
  const encoded = channel.replace(/^private-(encrypted-)?user-/, '');
  return encoded.startsWith('=sha256-') ? null : decodeURIComponent(encoded.replaceAll('=', '%'));
}

describe('the channel of an owner', () => {
  it.each([
    ['ada', 'private-user-ada'],
    ['a_b-c,d.e;f@g', 'private-user-a_b-c,d.e;f@g'],
    ['a=b', 'private-user-a=3Db'],
    ['50% off', 'private-user-50=25=20off'],
    ["!~*'()", 'private-user-=21=7E=2A=27=28=29'],
    ['ß', 'private-user-=C3=9F'],
    ['😀', 'private-user-=F0=9F=98=80'],
    ['\u0000', 'private-user-=00'],
    ['=sha256-ab', 'private-user-=3Dsha256-ab'],
  ])('%j is %s', (owner, channel) => {
    expect(channelOf(owner)).toBe(channel);
  });

  it.each(PREFIXES)('is legal at the bus, whatever the id (encrypted: $encrypted)', ({ encrypted, prefix }) => {
    fc.assert(
      fc.property(anyOwner, (owner) => {
        const channel = channelOf(owner, { encrypted });
        expect(channel).toMatch(/^[A-Za-z0-9_\-=@,.;]+$/);
        expect(channel.startsWith(prefix)).toBe(true);
        expect(channel.length).toBeLessThanOrEqual(MAX_CHANNEL_LENGTH);
      }),
      { numRuns: 300 },
    );
  });

  it.each(PREFIXES)('tells every owner from every other (encrypted: $encrypted)', ({ encrypted }) => {
    fc.assert(
      fc.property(anyOwner, (owner) => {
        const named = ownerIn(channelOf(owner, { encrypted }));
        if (named !== null) expect(named).toBe(owner);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.uniqueArray(anyOwner, { minLength: 2, maxLength: 10 }), (owners) => {
        expect(new Set(owners.map((owner) => channelOf(owner, { encrypted }))).size).toBe(owners.length);
      }),
    );
  });

  it.each(PREFIXES)('holds a hash only where the name would be too long (encrypted: $encrypted)', (form) => {
    const fits = 'x'.repeat(MAX_CHANNEL_LENGTH - form.prefix.length);
    expect(channelOf(fits, form)).toBe(form.prefix + fits);
    const hash = createHash('sha256').update(`${fits}x`).digest('hex');
    expect(channelOf(`${fits}x`, form)).toBe(`${form.prefix}=sha256-${hash}`);
    expect(channelOf(`${fits}y`, form)).not.toBe(channelOf(`${fits}x`, form));
  });

  it('hashes a long id as UTF-8', () => {
    const owner = '€'.repeat(100);
    expect(channelOf(owner)).toBe(`private-user-=sha256-${createHash('sha256').update(owner, 'utf8').digest('hex')}`);
  });

  it.each([
    ['an empty id', ''],
    ['half a surrogate pair', 'a\ud83d'],
    ['the other half', '\ude00a'],
    ['a pair the wrong way round', '\ude00\ud83d'],
    ['one that is too long', 'x'.repeat(MAX_OWNER_LENGTH + 1)],
    ['a number', 7],
    ['null', null],
    ['nothing', undefined],
  ])('is refused for %s', (_what, owner) => {
    const attempt = () => channelOf(owner as string);
    expect(attempt).toThrow(TaskError);
    expect(attempt).toThrow(/^The owner of a task must be a text of 1 to 1024 characters of valid Unicode/);
    expect(attempt).toThrow(expect.objectContaining({ code: 'invalid_owner', status: 400, retryable: false }));
  });
});

describe('the user id of an owner', () => {
  it.each([
    ['ada', 'ada'],
    ['ada@example.org', 'ada@example.org'],
    ['auth0|5f7c', 'auth0=7C5f7c'],
    ['a/../b?c', 'a=2F..=2Fb=3Fc'],
  ])('%s is %s, which goes into a path as it is', (owner, id) => {
    expect(userIdOf(owner)).toBe(id);
  });
});

describe('what could be an owner’s channel', () => {
  it.each(PREFIXES)('is what channelOf gives (encrypted: $encrypted)', (form) => {
    for (const owner of ['a', 'auth0|5f7c', 'x'.repeat(500)]) {
      expect(isOwnerChannel(channelOf(owner, form), form)).toBe(true);
      expect(isOwnerChannel(channelOf(owner, form), { encrypted: !form.encrypted })).toBe(false);
    }
    for (const name of [
      '',
      'lobby',
      'presence-user-a',
      form.prefix,
      `${form.prefix}${'x'.repeat(200)}`,
      `x${form.prefix}a`,
    ]) {
      expect(isOwnerChannel(name, form)).toBe(false);
    }
  });
});
