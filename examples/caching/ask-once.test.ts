import { createTestRouter, fakeBackend, reply, testClock } from 'inferlane/testing';
import { Keyv } from 'keyv';
import { expect, test, vi } from 'vitest';

const question = { model: 'llama3.1', temperature: 0, messages: [{ role: 'user' as const, content: 'Which department is this for?' }] };

test('the second time nobody is asked, not even where nobody could answer', async () => {
  const memory = new Map();
  const store = new Keyv({ store: memory });
  const box = await fakeBackend('vllm', reply('Billing.')).listen();
  await using made = createTestRouter({ providers: { box: { type: 'vllm', url: box.url } }, cache: { store, timeoutMs: 5_000 } });

  const first = await made.router.chat(question);
  await vi.waitFor(() => expect(memory.size).toBe(1));
  await box.close();
  const second = await made.router.chat(question);

  expect([first.route.cached, second.route.cached]).toEqual([false, true]);
  expect(second.choices).toEqual(first.choices);
  expect(second.route.attempts).toEqual([]);
});

test('fifty people open the same page at once, and the server answers once', async () => {
  const clock = testClock();
  await using box = await fakeBackend('vllm', reply('Welcome!'), { clock }).listen();
  await using made = createTestRouter({ providers: { box: { type: 'vllm', url: box.url } }, singleFlight: true }, { clock });

  const answers = await clock.run(Promise.all(Array.from({ length: 50 }, () => made.router.chat(question))));

  expect(new Set(answers.map(({ choices }) => choices[0].message.content))).toEqual(new Set(['Welcome!']));
  expect(made.events.of('attempt:start')).toHaveLength(1);
  expect(made.router.snapshot().cache?.shared).toBe(49);
});
