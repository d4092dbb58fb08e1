import { reply } from 'inferlane/testing';
import { expect, test } from 'vitest';
import { servers } from './servers.ts';

test('invoke and stream answer from the CPU where the GPU is full', async () => {
  await using each = await servers(reply('Hello from the CPU.'));
  expect((await each.model.invoke('Hello!')).text).toBe('Hello from the CPU.');
  const pieces = [];
  for await (const { text } of await each.model.stream('Hello!')) pieces.push(text);
  expect(pieces.join('')).toBe('Hello from the CPU.');
  expect(each.gpu.calls).toHaveLength(1);
});
