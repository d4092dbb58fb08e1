import { createTestRouter, after, fakeBackend, reply, testClock } from 'inferlane/testing';
import { expect, test } from 'vitest';

const ask = (content: string) => ({ model: 'llama3.1', messages: [{ role: 'user' as const, content }] });

test('batch work leaves a slot for people: fifty documents wait, a question does not', async () => {
  const clock = testClock();
  await using box = await fakeBackend('vllm', after(2_000, reply('Done.')), { clock }).listen();
  await using made = createTestRouter(
    { providers: { box: { type: 'vllm', url: box.url, maxConcurrent: 4, reservedForFast: 1 } } },
    { clock },
  );
  const { router, events } = made;

  const documents = Array.from({ length: 50 }, (_, index) => router.chat(ask(`Sum up document ${index}.`), { intent: 'heavy' }));
  await clock.settle();
  const [{ inFlight, waiting, slots } = {}] = router.snapshot().providers;
  const answer = await clock.run(router.chat(ask('What is for lunch?')));
  const answers = await clock.run(Promise.all(documents));

  expect({ inFlight, waiting, slots }).toEqual({ inFlight: 3, waiting: 47, slots: 4 });
  expect(answer.route.queuedMs).toBe(0);
  expect(events.of('queue:enter')).toHaveLength(47);
  expect(Math.max(...answers.map(({ route }) => route.queuedMs))).toBeGreaterThan(20_000);
});
