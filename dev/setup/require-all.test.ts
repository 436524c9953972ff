import { expect, it, jest } from '@jest/globals';
import { CommandError } from '../../cli/command-error.ts';
import { requireAll } from './require-all.ts';

const missing = (what: string) => async (): Promise<string> => {
  throw new CommandError(`${what} is missing.`);
};

it('what the steps have found is returned by name', async () => {
  expect(await requireAll({ redis: async () => '/bin/redis', node: async () => 20 })).toEqual({
    redis: '/bin/redis',
    node: 20,
  });
});

it('all that is missing is named at once, and the rest is installed', async () => {
  const install = jest.fn(async () => '/bin/node');
  await expect(requireAll({ redis: missing('Redis'), chromium: missing('Chromium'), node: install })).rejects.toThrow(
    new CommandError('Redis is missing.\ninloop: Chromium is missing.'),
  );
  expect(install).toHaveBeenCalledTimes(1);
});

it('an error that nobody expected is passed on as it is', async () => {
  const broken = async () => {
    throw new TypeError('oops');
  };
  await expect(requireAll({ broken, redis: missing('Redis') })).rejects.toThrow(TypeError);
});
