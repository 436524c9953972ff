// Searches the answers to all other kinds, and the logs, for secrets. It has to come last.
import { jsonBody } from '../../http.ts';
import type { Kind } from '../../kind.ts';

export const secrets: Kind = {
  name: 'secrets in answers and logs',
  why: 'a key to everything else',
  success: 'a secret, a signature or a stack trace in an answer; a secret, a signature or a cookie in a log',
  async run({ demo, app, http, leaks }, tally) {
    const cookie = await demo.signIn('trudy');
    leaks.keep([decodeURIComponent(cookie.split('=')[1] ?? '')]);
    for (const path of [
      '/',
      '/tasks/connection',
      '/readyz',
      '/healthz',
      '/metrics',
      '/%',
      '/%00',
      '/tasks/%E0%A4%A',
      '/.env',
      '/credentials.json',
      '/../.inloop/credentials.json',
      '/package.json',
      '/main.js.map',
      '/app.js.map',
    ]) {
      for (const method of ['GET', 'POST', 'TRACE', 'PROPFIND', 'OPTIONS'])
        await demo.call(cookie, path, { method, headers: { 'x-probe': '1' } });
    }
    for (const value of ['wait=NaN', 'wait=-1', 'wait=1e9', 'wait', `wait=${'9'.repeat(400)}`, 'respond-async']) {
      await app.call('trudy', '/tasks/01890000-0000-7000-8000-000000000000', { headers: { prefer: value } });
    }
    for (const query of [
      'limit=NaN',
      'limit[]=1',
      'state[$ne]=x',
      'cursor=*',
      'limit=1e3',
      `cursor=${'x'.repeat(7_000)}`,
      '__proto__[x]=1',
    ]) {
      const { status } = await app.call('trudy', `/tasks?${query}`);
      tally.attempt(`a list with ${query.slice(0, 40)}: ${status}`, status >= 500);
    }
    await http.send(`http://127.0.0.1:${demo.stack.services().worker?.port}/metrics`);
    await demo.call(cookie, '/session', jsonBody('{"user":'));
    for (const line of demo.stack.lines)
      tally.attempt(`a log line that a terminal obeys: ${JSON.stringify(line)}`, /\p{Cc}/u.test(line));
    for (const line of demo.stack.lines) leaks.searchLog(`the log of the stack: ${line.slice(0, 60)}`, line);
    leaks.searchLog("the app's log", app.output());
    for (let n = 0; n < leaks.searched - leaks.found.length; n++) tally.attempt('', false);
    for (const what of new Set(leaks.found)) tally.attempt(what, true);
  },
};
