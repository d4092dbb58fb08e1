import { createRouter, defineAdapter, isRouterError, RouterError, textOf } from 'inferlane';
import { type Check, failureOf, type Ground, same } from './ground.ts';

// The entry `/testing`. It is imported where it is used: not every runtime can load it.

const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Hello!' }] };

const given = ({ transport }: Ground): Pick<Ground, 'transport'> | object => (transport === undefined ? {} : { transport });

/** A minute of a router's time, in which a provider rests, without any server. */
const testClock: Check = async () => {
  const { createTestRouter } = await import('inferlane/testing');
  let calls = 0;
  const adapter = defineAdapter({
    name: 'busy-at-first',
    chat: async ({ requestId }) => {
      calls += 1;
      if (calls === 1) throw new RouterError('rate_limited', 'Too many calls.', { retryAfterMs: 60_000 });
      const message = { role: 'assistant' as const, content: 'At last.' };
      const choices = [{ index: 0, message, finish_reason: 'stop' as const }] as const;
      return { id: requestId, object: 'chat.completion' as const, created: 0, model: 'm', choices: [choices[0]] };
    },
  });
  const { router, clock, events, close } = createTestRouter({
    providers: { first: { type: 'custom', adapter }, second: { type: 'stub', reply: 'Meanwhile.' } },
  });
  const ask = async (): Promise<string | null | undefined> => (await clock.run(router.chat(request))).choices[0].message.content;
  const answers = [await ask()];
  await clock.advance(60_000);
  answers.push(await ask());
  await close();
  same('the answers', answers, ['Meanwhile.', 'At last.']);
  same(
    'who rested',
    events.of('provider:cooldown').map(({ provider }) => provider),
    ['first'],
  );
};

const fakeServer: Check = async (ground) => {
  const { cutAfter, fakeBackend, outOfMemory, recordEvents, reply, slow } = await import('inferlane/testing');
  const full = await fakeBackend('ollama', outOfMemory('cuda')).listen();
  const cut = await fakeBackend('vllm', slow(10, cutAfter(2, 'rst', reply('One two three')))).listen();
  const router = createRouter({
    providers: { full: { type: 'ollama', url: full.url }, cut: { type: 'vllm', url: cut.url } },
    ...given(ground),
  });
  const events = recordEvents(router);
  let text = '';
  const read = async (): Promise<void> => {
    for await (const piece of textOf(await router.stream(request))) text += piece;
  };
  const error = await failureOf(read());
  await router.close();
  await full.close();
  await cut.close();
  if (!isRouterError(error, 'stream_interrupted')) throw error;
  same('whether text came before', text.length > 0 && 'One two '.startsWith(text), true);
  same(
    'the events',
    events.of('failover').map(({ reason }) => reason),
    ['out_of_memory'],
  );
  same('the calls', [full.calls.length, cut.calls.length], [1, 1]);
};

/** Bytes that arrive within the turns of the event loop for which the clock waits. */
const serverAndClock: Check = async (ground) => {
  // Where they only sometimes do, once says nothing.
  for (let round = 0; round < 100; round++) await onTestClock(ground);
};

const onTestClock: Check = async (ground) => {
  const { createTestRouter, fakeBackend, reply, slow, stallBeforeHeaders, testClock: newClock } = await import('inferlane/testing');
  const clock = newClock();
  const silent = await fakeBackend('vllm', stallBeforeHeaders(), { clock }).listen();
  const paced = await fakeBackend('vllm', slow(1, reply('One two three')), { clock }).listen();
  const { router, events, close } = createTestRouter(
    { providers: { silent: { type: 'vllm', url: silent.url }, paced: { type: 'vllm', url: paced.url } }, ...given(ground) },
    { clock },
  );
  try {
    const { choices } = await clock.run(router.chat(request));
    same('the text', choices[0].message.content, 'One two three');
    same(
      'the events',
      events.of('failover').map(({ reason }) => reason),
      ['timeout'],
    );
    same('who left the silent one', silent.aborted, 1);
  } finally {
    await close();
    await silent.close();
    await paced.close();
  }
};

const handlers: Check = async (ground) => {
  const { fakeBackend, queueFull, reply } = await import('inferlane/testing');
  // A name in a variable is left alone by bundlers; and msw here is not the one that types are checked with.
  const entry = 'msw/node';
  const { setupServer } = (await import(entry)) as { setupServer(...handlers: readonly object[]): { listen(): void; close(): void } };
  const busy = fakeBackend('vllm', queueFull(), { url: 'http://busy.test' });
  const free = fakeBackend('vllm', reply('From a handler.'), { url: 'http://free.test' });
  const server = setupServer(...busy.handlers, ...free.handlers);
  server.listen();
  const router = createRouter({
    providers: { busy: { type: 'vllm', url: busy.url }, free: { type: 'vllm', url: free.url } },
    ...given(ground),
  });
  try {
    const { choices } = await router.chat(request);
    same('the text', choices[0].message.content, 'From a handler.');
    same('the calls', [busy.calls.length, free.calls.length], [1, 1]);
    let text = '';
    for await (const piece of textOf(await router.stream(request))) text += piece;
    same('the text of the stream', text, 'From a handler.');
  } finally {
    await router.close();
    server.close();
  }
};

export const kitChecks: Readonly<Record<string, Check>> = {
  '/testing: a test clock': testClock,
  '/testing: a fake server': fakeServer,
  '/testing: a fake server on a test clock': serverAndClock,
  '/testing: handlers for msw': handlers,
};
