import { createRouter, formatPlan, isRouterError } from 'inferlane';
import { fakeBackend, outOfMemory, reply } from 'inferlane/testing';
import { expect, test } from 'vitest';

const note = { model: 'llama3.1', messages: [{ role: 'user' as const, content: 'Sum up this letter to a patient.' }] };

test('what is private stays on this machine: it fails there rather than going to the machine next door', async () => {
  await using here = await fakeBackend('ollama', outOfMemory('cuda')).listen();
  await using nextDoor = await fakeBackend('vllm', reply('Never asked for a letter.')).listen();
  await using router = createRouter({
    providers: {
      here: { type: 'ollama', url: here.url },
      // This one is played on the same machine, so the address does not tell.
      nextDoor: { type: 'vllm', url: nextDoor.url, locality: 'lan' },
    },
    intents: { private: { maxLocality: 'host' } },
  });

  const plan = router.explain(note, { intent: 'private' });
  const error = await router.chat(note, { intent: 'private' }).catch((reason: unknown) => reason);
  const answer = await router.chat({ ...note, messages: [{ role: 'user', content: 'What is a letter?' }] });

  expect(plan.candidates.map(({ provider }) => provider)).toEqual(['here']);
  expect(formatPlan(plan)).toContain('nextDoor (llama3.1)  lies in "lan", and maxLocality is "host"');
  expect(isRouterError(error)).toBe(true);
  expect(answer.route.provider).toBe('nextDoor');
  expect(nextDoor.calls).toHaveLength(1);
  expect(JSON.stringify(nextDoor.calls)).not.toContain('patient');
});
