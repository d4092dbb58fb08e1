import { reply } from 'inferlane/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { servers } from './servers.ts';

test('structured output, held to its schema by whichever server answers', async () => {
  await using each = await servers(reply('{"name":"Ada","age":36}'));
  const person = each.model.withStructuredOutput(z.object({ name: z.string(), age: z.number() }), { name: 'person', method: 'jsonSchema' });
  expect(await person.invoke('Who wrote the first program?')).toEqual({ name: 'Ada', age: 36 });
});
