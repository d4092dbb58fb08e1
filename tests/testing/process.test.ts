import { expect, test } from 'vitest';
import { runProgram } from '../_kit/child-program.ts';

const entry = new URL('../../src/testing/index.ts', import.meta.url).href;
const wire = new URL('../_kit/plain-wire.ts', import.meta.url).href;

/** Runs a program over the test kit in a process of its own; `code` is -1 where it does not end by itself. */
async function run(program: string): Promise<{ output: string; code: number | null }> {
  const source = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(name, context, next) {
        if (name === 'msw') throw Object.assign(new Error('It is not installed.'), { code: 'MODULE_NOT_FOUND' });
        return next(name, context);
      },
    });
    const { fakeBackend, slow, stallAfter, stallBeforeHeaders } = await import('${entry}');
    const { plainWire } = await import('${wire}');
    const ask = (url, more) => fetch(url + '/v1/chat/completions', { method: 'POST', body: '{"stream":true}', ...more });
    ${program}`;
  return runProgram(source);
}

test('works without msw, and says what to install where handlers are asked for', async () => {
  const program = `
    const server = await fakeBackend(plainWire).listen();
    console.log((await ask(server.url)).status);
    try { server.handlers } catch (error) { console.log(error.message); }
    await server.close();`;
  expect(await run(program)).toEqual({
    output: '200\nThe handlers of a fake backend need msw: npm install --save-dev msw. Its listen() does not.\n',
    code: 0,
  });
});

test('a closed server keeps no process alive, whatever it was about to do', async () => {
  const program = `
    const server = await fakeBackend(plainWire, [stallBeforeHeaders(), stallAfter(1), slow(0.001)]).listen();
    const calls = [1, 2, 3].map(() => ask(server.url).then((response) => response.text()).catch(() => 'broken'));
    while (server.calls.length < 3) await new Promise(setImmediate);
    await server.close();
    console.log(await Promise.all(calls), server.openSockets());`;
  expect(await run(program)).toEqual({ output: "[ 'broken', 'broken', 'broken' ] 0\n", code: 0 });
});

test('a client that left keeps no process alive either', async () => {
  const program = `
    const server = await fakeBackend(plainWire, slow(0.001)).listen();
    const leaving = new AbortController();
    await ask(server.url, { signal: leaving.signal });
    leaving.abort();
    while (server.aborted === 0 || server.openSockets() > 0) await new Promise(setImmediate);
    console.log('gone');
    await server.close();`;
  expect(await run(program)).toEqual({ output: 'gone\n', code: 0 });
});
