import { expect, test } from 'vitest';
import { type Adapter, RouterError } from '../../src/index.ts';
import { openaiCompatible } from '../../src/adapters/openai-compatible.ts';
import { adapterCases, createBench } from '../../src/testing/index.ts';
import { adapterContext } from '../_kit/adapter-context.ts';

// A case that fails is read by somebody who knows neither the suite nor its fakes: the message says what was expected, and what came.

async function messageOf(name: string, change: (adapter: Adapter) => Partial<Adapter>): Promise<string> {
  const found = adapterCases.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no case "${name}"`);
  await using bench = await createBench({
    backend: 'openai-compatible',
    model: 'a-model',
    adapter(url) {
      const adapter = openaiCompatible()(adapterContext(url));
      return { ...adapter, ...change(adapter) };
    },
  });
  // Awaited here, or the bench would be closed first.
  return await found.run(bench).then(
    () => 'the case passed',
    (error: Error) => error.message,
  );
}

/** An adapter that loses a field of the request. */
const forgetful = (adapter: Adapter): Partial<Adapter> => ({
  chat: (call) => {
    const { temperature: _, ...request } = call.request;
    return adapter.chat({ ...call, request });
  },
});

test('a parameter that was not sent: the case shows what was, and where it may be declared', async () => {
  const message = await messageOf('sends temperature', forgetful);
  expect(message).toContain('0.731 is nowhere in the request.');
  expect(message).toContain("'temperature' belongs into `ignores`");
  expect(message).toContain('Sent was: /v1/chat/completions {"model":"a-model"');
});

test('a stream that should have broken: the case shows what was read', async () => {
  const message = await messageOf('breaks with "bad_response" where the body ends before its terminator', (adapter) => ({
    async stream(call) {
      const batches = await adapter.stream(call);
      return (async function* () {
        try {
          for await (const batch of batches) yield batch;
        } catch {
          // The mistake that is looked for.
        }
      })();
    },
  }));
  expect(message).toMatch(/^The stream must break, and it ended in order, with the text ".+" and the finish reason none\.$/);
});

test('a call that should have failed: the case shows its answer', async () => {
  const message = await messageOf('a web page in place of an answer is a "bad_response", though its status is 200', (adapter) => ({
    chat: (call) => adapter.chat(call).catch(() => ({ id: 'invented', object: 'chat.completion', created: 0, model: 'm', choices: [] })),
  }));
  expect(message).toContain('The call must fail, and it gave: {"id":"invented"');
});

test('an error that repeats the prompt: the case shows the error, and what httpFor() masks', async () => {
  const message = await messageOf('an error repeats neither the prompt nor the key, even where the server does', (adapter) => ({
    chat: (call) =>
      adapter.chat(call).catch(() => {
        throw new RouterError('unavailable', `failed with ${JSON.stringify(call.request.messages)}`);
      }),
  }));
  expect(message).toContain('The error must not repeat the prompt. What httpFor() sends under "prompt", ');
  expect(message).toContain('It says: failed with ');
});

test('a bench is closed by close() as well, and its server refuses from then on', async () => {
  let closed = 0;
  const bench = await createBench({
    backend: 'openai-compatible',
    adapter: (url) => ({ ...openaiCompatible()(adapterContext(url)), close: async () => void (closed += 1) }),
  });
  const before = closed;
  await bench.close();
  await expect(fetch(bench.backend.url)).rejects.toThrow('fetch failed');
  expect(closed - before).toBe(1);
});
