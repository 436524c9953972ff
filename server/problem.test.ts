import { describe, expect, it } from '@jest/globals';
import type { NextFunction, Request, Response } from 'express';
import { TaskError } from '../core/error.ts';
import { recordLog } from '../test/support/log.ts';
import { problemHandler } from './problem.ts';

const fails = (): never => {
  throw new Error('trap');
};

/** The answer to a request whose handler threw this. */
function answerTo(thrown: unknown) {
  const log = recordLog();
  const answer = { status: 0, body: '', headers: {} as Record<string, string> };
  const res = {
    headersSent: false,
    set: (name: string, value: string) => Object.assign(answer.headers, { [name]: value }),
    status(status: number) {
      answer.status = status;
      return res;
    },
    type: () => res,
    send: (body: string) => Object.assign(answer, { body }),
  };
  const next = () => undefined;
  const req = { method: 'GET', baseUrl: '/tasks', path: '/' } as Request;
  problemHandler({ log })(thrown, req, res as unknown as Response, next as NextFunction);
  return { ...answer, problem: JSON.parse(answer.body), lines: log.lines };
}
const taskErrorWith = (fields: object) => Object.assign(new TaskError('code', 'A message.', { status: 409 }), fields);
const circular: unknown[] = [];
circular.push(circular);

describe('an answer to whatever a handler of the application throws', () => {
  it.each<[string, unknown, number, string]>([
    ['an error', new Error('hunter2'), 500, 'internal'],
    ['undefined', undefined, 500, 'internal'],
    ['null', null, 500, 'internal'],
    ['a proxy that throws', new Proxy({}, { get: fails, getPrototypeOf: fails }), 500, 'internal'],
    ['a getter that throws', Object.defineProperty({}, 'status', { get: fails }), 500, 'internal'],
    ['a status that is no whole number', { status: 404.5 }, 500, 'internal'],
    ['what a body parser says', { type: 'entity.parse.failed', status: 400 }, 400, 'invalid_json'],
    ['what express says', { status: 415 }, 415, 'bad_request'],
    ['a TaskError', taskErrorWith({}), 409, 'code'],
    ['one without a code', taskErrorWith({ code: undefined }), 409, 'internal'],
    ['one whose status is a text', taskErrorWith({ status: '404' }), 500, 'code'],
    ['one whose status is a success', taskErrorWith({ status: 200 }), 500, 'code'],
    ['one of a client that got no answer', taskErrorWith({ status: 0 }), 500, 'code'],
    ['one whose issues are a circle', taskErrorWith({ issues: circular }), 409, 'code'],
    ['one whose issues have no JSON', taskErrorWith({ issues: [1n] }), 409, 'code'],
    ['one whose wait is no number', taskErrorWith({ retryAfter: 'soon' }), 409, 'code'],
  ])('%s', (_what, thrown, status, code) => {
    const answer = answerTo(thrown);
    expect([answer.status, answer.problem.status, answer.problem.code]).toEqual([status, status, code]);
    expect(answer.body).not.toContain('hunter2');
    expect(answer.headers).toEqual({});
  });

  it('says each fault of an input, and when to come back', () => {
    const issues = [{ path: ['a'], message: 'is wrong' }];
    const answer = answerTo(new TaskError('x', 'A message.', { status: 422, issues, retryAfter: 2.5 }));
    expect(answer.problem.errors).toEqual(issues);
    expect(answer.headers).toEqual({ 'Retry-After': '3' });
  });

  it('logs a failure, and nothing of a refusal', () => {
    expect(answerTo(new Error('oops')).lines).toMatchObject([{ level: 'error', message: 'GET /tasks/ failed' }]);
    expect(answerTo(taskErrorWith({})).lines).toEqual([]);
  });
});
