import { expect, test } from 'vitest';
import { runProgram } from '../_kit/child-program.ts';

const entry = new URL('../../src/index.ts', import.meta.url).href;
const kit = new URL('../_kit/', import.meta.url).href;

/**
 * A process whose garbage can be collected at will, with a server in it that sends three pieces and then nothing, and a router before
 * it. `dropped(open)` opens a stream in a frame of its own, and says whether the server saw its connection close by collection alone;
 * `kept(open)` whether what `open` gives back kept it open.
 */
async function told(program: string): Promise<unknown> {
  const source = `
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { createRouter, textOf } from '${entry}';
    import { loopback } from '${kit}loopback.ts';
    import { event, sse } from '${kit}openai-bytes.ts';
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc');
    process.on('unhandledRejection', (error) => { console.log(JSON.stringify('unhandled ' + error)); process.exit(3); });
    const server = await loopback(() => ({ headers: sse, pieces: [event('one'), event('two'), event('three')], after: 'hang' }));
    const router = createRouter({ checkModels: false, health: false, pollMs: false, providers: { box: { type: 'openai-compatible', url: server.url } } });
    const ends: unknown[] = [];
    router.on('request:end', ({ abandoned }) => ends.push(abandoned));
    router.on('request:error', ({ error }) => ends.push(String(error)));
    const request = { messages: [{ role: 'user' as const, content: 'Hello!' }] };
    let closed = false;
    const watch = () => { closed = false; void server.idle().then(() => (closed = true)); };
    const collect = async (rounds: number) => {
      for (let round = 0; round < rounds && !closed; round++) { gc(); await sleep(10); }
    };
    const dropped = async (open: () => Promise<unknown>, options = {}) => {
      ends.length = 0;
      await open();
      watch();
      await collect(100);
      return { closed, ends: [...ends], inFlight: router.snapshot().inFlight };
    };
    const kept = async (open: () => Promise<unknown>, use: (kept: never) => Promise<unknown>) => {
      ends.length = 0;
      let held: unknown = await open();
      watch();
      await collect(8);
      const whileHeld = { closed, ends: [...ends] };
      const used = await use(held as never);
      held = undefined;
      await collect(100);
      return { whileHeld, used, after: { closed, ends: [...ends] } };
    };
    ${program}
    await router.close({ drainMs: 0 });
    await server[Symbol.asyncDispose]();`;
  const { output, code } = await runProgram(source);
  expect(code, output).toBe(0);
  return JSON.parse(output);
}

const isClosed = { closed: true, ends: [true], inFlight: 0 };
const stays = { whileHeld: { closed: false, ends: [] }, used: 'one', after: { closed: true, ends: [true] } };

test('a stream that is dropped is closed', async () => {
  const program = `
    const open = (options = {}) => router.stream(request, options);
    const read = async (iterator, count: number) => { while (count-- > 0) await iterator.next(); };
    console.log(JSON.stringify({
      neverRead: await dropped(async () => { await open(); }),
      readForAWhile: await dropped(async () => { await read((await open())[Symbol.asyncIterator](), 2); }),
      readAsText: await dropped(async () => { await read(textOf(await open()), 2); }),
      inALoopThatNeverGoesOn: await dropped(async () => {
        const stream = await open();
        let begun;
        const isBegun = new Promise((resolve) => (begun = resolve));
        void (async () => {
          for await (const chunk of stream) { begun(chunk); await new Promise(() => undefined); }
        })();
        await isBegun;
      }),
      thatKeepsItsText: await dropped(async () => { await read((await open({ onStreamFailure: 'continue' }))[Symbol.asyncIterator](), 2); }),
    }));`;
  expect(await told(program)).toEqual({
    neverRead: isClosed,
    readForAWhile: isClosed,
    readAsText: isClosed,
    inALoopThatNeverGoesOn: isClosed,
    thatKeepsItsText: isClosed,
  });
});

const openStream = '() => router.stream(request)';
const openIterator = 'async () => (await router.stream(request))[Symbol.asyncIterator]()';

test.each([
  ['the stream', openStream, 'async (stream) => contentOf(await stream[Symbol.asyncIterator]().next())'],
  ['its iterator', openIterator, 'async (iterator) => contentOf(await iterator.next())'],
  ['a function of the iterator', `async () => (await (${openIterator})()).next`, 'async (next) => contentOf(await next())'],
  ['its text', 'async () => textOf(await router.stream(request))', 'async (texts) => (await texts.next()).value'],
])('whoever holds %s keeps it open', async (_, open, use) => {
  const program = `
    const contentOf = ({ value }) => value.choices[0].delta.content;
    console.log(JSON.stringify(await kept(${open}, ${use})));`;
  expect(await told(program)).toEqual(stays);
});

test('the route alone does not keep it open, and nothing is told of a stream that was left or ended before', async () => {
  const program = `
    const leave = async () => { for await (const chunk of await router.stream(request)) break; };
    let route;
    console.log(JSON.stringify({
      route: await dropped(async () => { ({ route } = await router.stream(request)); }),
      attempts: route.attempts.length,
      left: await dropped(leave),
    }));`;
  expect(await told(program)).toEqual({ route: isClosed, attempts: 1, left: isClosed });
});
