/** A claim keeps a port for one process of inloop until something listens there. Real ports. */

import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { claimPort, isPortFree, LOOPBACK } from './ports.ts';

describe('a claim on a port', () => {
  it('keeps everybody else from claiming it, though nothing listens there', async () => {
    const { port, release } = await claimPort();
    expect(await isPortFree(port)).toBe(true);
    await expect(claimPort(port, port)).rejects.toThrow(/None of 100 ports .* is free/);
    release();
    release();
    const again = await claimPort(port, port);
    expect(again.port).toBe(port);
    again.release();
  });

  it('cannot be made on a port on which something listens', async () => {
    const { port, release } = await claimPort();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, LOOPBACK, resolve));
    release();
    await expect(claimPort(port, port)).rejects.toThrow('free');
    await new Promise((resolve) => server.close(resolve));
  });

  it('on any free port gets another port each time', async () => {
    const claims = await Promise.all(Array.from({ length: 50 }, () => claimPort()));
    expect(new Set(claims.map(({ port }) => port)).size).toBe(50);
    for (const { release } of claims) release();
  });
});
