import { expect, test } from 'vitest';
import { runProgram } from '../_kit/child-program.ts';
import { loopback, type Script } from '../_kit/loopback.ts';
import { answers, event, sse } from '../_kit/openai-bytes.ts';

const entry = new URL('../../src/index.ts', import.meta.url).href;

/** Runs a program over a router in a process of its own; resolves with what it printed, or fails where it does not end. */
async function run(script: Script, program: string): Promise<{ output: string; code: number | null }> {
  await using server = await loopback(() => script);
  const source = `
    import { createRouter } from '${entry}';
    process.on('unhandledRejection', (error) => { console.log('unhandled', error); process.exit(3); });
    process.on('warning', (warning) => { if (!/type stripping/i.test(warning.message)) console.log('warning', warning.message); });
    const router = createRouter({ providers: { box: { type: 'openai-compatible', url: '${server.url}' } } });
    const request = { messages: [{ role: 'user', content: 'Hello!' }] };
    ${program}`;
  return await runProgram(source);
}

test('a program that closes its router ends by itself', async () => {
  expect(await run(answers('yes'), 'console.log((await router.chat(request)).choices[0].message.content); await router.close();')).toEqual({
    output: 'yes\n',
    code: 0,
  });
});

test('a program that forgets to close its router ends by itself', async () => {
  expect(await run(answers('yes'), 'await router.chat(request); await router.health(); console.log("done");')).toEqual({
    output: 'done\n',
    code: 0,
  });
});

test('a program that leaves a stream ends by itself', async () => {
  const hanging: Script = { headers: sse, pieces: [event('one')], after: 'hang' };
  expect(await run(hanging, 'for await (const chunk of await router.stream(request)) break; console.log("left");')).toEqual({
    output: 'left\n',
    code: 0,
  });
});

test('a call that waits for a retry keeps its program alive', async () => {
  const limited: Script = { status: 429, headers: { 'retry-after': '1' }, pieces: ['{}'] };
  const program = `router.chat(request, { maxAttempts: 2 }).catch((error) => console.log(error.code, error.attempts.length));`;
  expect(await run(limited, program)).toEqual({ output: 'all_failed 2\n', code: 0 });
});
