import { createRouter, isRouterError, textOf } from 'inferlane';
import { cutAfter, fakeBackend, recordEvents, reply } from 'inferlane/testing';
import { expect, test } from 'vitest';

const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Tell me a story.' }] };

test('the stream breaks before its first piece: the reader sees another one, whole', async () => {
  await using first = await fakeBackend('vllm', cutAfter(0, 'rst')).listen();
  await using second = await fakeBackend('vllm', reply('Once upon a time.')).listen();
  await using router = createRouter({ providers: { a: { type: 'vllm', url: first.url }, b: { type: 'vllm', url: second.url } } });

  let text = '';
  for await (const piece of textOf(await router.stream(request))) text += piece;

  expect(text).toBe('Once upon a time.');
});

test('the stream breaks in the middle: the reader keeps what came, and is told', async () => {
  await using only = await fakeBackend('vllm', cutAfter(2, 'rst', reply('Once upon a time.'))).listen();
  await using router = createRouter({ providers: { a: { type: 'vllm', url: only.url } } });
  const events = recordEvents(router);

  let text = '';
  const read = async (): Promise<void> => {
    for await (const piece of textOf(await router.stream(request))) text += piece;
  };
  const error = await read().catch((reason: unknown) => reason);

  expect(text).toBe('Once upon ');
  expect(isRouterError(error, 'stream_interrupted')).toBe(true);
  expect(events.of('stream:interrupted')).toHaveLength(1);
});
