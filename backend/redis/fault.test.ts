import { describe, expect, it } from '@jest/globals';
import { ErrorReply } from '@redis/client';
import { recordLog } from '../../test/support/log.ts';
import { DeadlineError } from '../async.ts';
import { Events } from '../events/events.ts';
import { faultOf, NotConnectedError, UnusableRedisError, wasNotDone } from './fault.ts';
import { RedisTrouble } from './trouble.ts';

// As Redis 6.2, 7.0 and 7.2 word them, inside scripts and outside.
const REPLIES: readonly [string, 'elsewhere' | 'refused' | 'bug'][] = [
  ["READONLY You can't write against a read only replica.", 'elsewhere'],
  ["READONLY You can't write against a read only replica. script: 1f2e, on @user_script:3.", 'elsewhere'],
  [
    "ERR Error running script (call to f_1f2e): @user_script:2: -READONLY You can't write against a read only replica.",
    'elsewhere',
  ],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'elsewhere'],
  ['LOADING Redis is loading the dataset in memory', 'elsewhere'],
  ['NOREPLICAS Not enough good replicas to write.', 'elsewhere'],
  ['UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)', 'elsewhere'],
  ['MOVED 3999 127.0.0.1:6381', 'elsewhere'],
  ['CLUSTERDOWN The cluster is down', 'elsewhere'],
  ['NOAUTH Authentication required.', 'elsewhere'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'elsewhere'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'refused'],
  ["ERR Error running script: @user_script:1: -OOM command not allowed when used memory > 'maxmemory'.", 'refused'],
  ['MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.', 'refused'],
  ["NOPERM this user has no permissions to run the 'eval' command", 'refused'],
  [
    "ERR The user executing the script can't run this command or subcommand script: 2b58, on @user_script:1.",
    'refused',
  ],
  ["CROSSSLOT Keys in request don't hash to the same slot", 'refused'],
  ['BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.', 'refused'],
  ['ERR max number of clients reached', 'refused'],
  ["ERR unknown command 'HELLO'", 'refused'],
  ['ERR AUTH <password> called without any password configured for the default user.', 'refused'],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', 'bug'],
  ['ERR value is not an integer or out of range', 'bug'],
  ['ERR user_script:7: attempt to compare nil with number script: 1f2e, on @user_script:7.', 'bug'],
  ["ERR Lua script attempted to call 'ROOMBOOM'", 'bug'],
];

describe('an error of Redis', () => {
  it.each(REPLIES)('%s', (reply, meaning) => {
    expect(faultOf(new ErrorReply(reply))).toEqual({
      kind: meaning === 'bug' ? 'bug' : 'refused',
      shouldReconnect: meaning === 'elsewhere',
      text: expect.stringContaining(reply),
    });
  });

  it('that did not come from Redis means no answer, or a bug of ours', () => {
    expect(faultOf(new Error('Socket closed unexpectedly')).kind).toBe('away');
    expect(faultOf(new DeadlineError('no answer within 1500 ms')).kind).toBe('away');
    expect(faultOf(new AggregateError([new Error('connect ECONNREFUSED ::1:1')]))).toMatchObject({
      kind: 'away',
      text: 'connect ECONNREFUSED ::1:1',
    });
    expect(faultOf(new TypeError('x is not a function')).kind).toBe('bug');
    for (const thrown of [null, undefined, 'text', { message: 1 }]) expect(faultOf(thrown).kind).toBe('away');
  });

  it('says what to do about a certificate of an unknown signer', () => {
    const error = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(faultOf(error).text).toMatch(/tls: \{ ca \}.*NODE_EXTRA_CA_CERTS/);
  });

  it('says whether the command may have been done', () => {
    for (const error of [
      new NotConnectedError('not connected'),
      new UnusableRedisError('it is old'),
      new ErrorReply('OOM full'),
    ]) {
      expect(wasNotDone(error)).toBe(true);
    }
    for (const error of [
      new Error('Socket closed'),
      new ErrorReply('NOPERM in the middle'),
      new ErrorReply('WRONGTYPE'),
    ]) {
      expect(wasNotDone(error)).toBe(false);
    }
  });
});

describe('what an operator is told', () => {
  it('names each kind of trouble once, and calls a bug a bug', () => {
    const log = recordLog();
    const trouble = new RedisTrouble(new Events(log), 'store');
    for (let n = 0; n < 3; n++) {
      trouble.failed(new Error('Socket closed unexpectedly'));
      trouble.failed(new ErrorReply('OOM command not allowed'));
      trouble.failed(new NotConnectedError('not connected'));
      trouble.failed(new ErrorReply('WRONGTYPE Operation'));
      trouble.succeeded();
    }
    expect(log.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      expect.stringMatching(/^warn: Redis does not answer: Socket closed unexpectedly\. Tasks are neither/),
      expect.stringMatching(/^warn: Redis answers, but cannot be used: its memory is full/),
      expect.stringMatching(/^error: Redis got a command that makes no sense.*WRONGTYPE/),
    ]);
  });

  it('is no outage if there is only a bug', () => {
    const log = recordLog();
    const trouble = new RedisTrouble(new Events(log), 'store');
    trouble.failed(new ErrorReply('WRONGTYPE Operation'));
    expect(trouble.isOn).toBe(false);
  });
});
