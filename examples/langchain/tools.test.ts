import { HumanMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { reply, toolCall, when } from 'inferlane/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { servers } from './servers.ts';

const weather = tool(async ({ city }) => `sun in ${city}`, { name: 'weather', schema: z.object({ city: z.string() }) });

test('tools bound to the model survive the failover', async () => {
  const knows = when({ where: ({ body }) => JSON.stringify(body).includes('sun in Vienna') }, reply('It is sunny.'));
  await using each = await servers([knows, toolCall('weather', { city: 'Vienna' })]);
  const withTools = each.model.bindTools([weather]);
  const question = new HumanMessage('How is the weather in Vienna?');
  const answer = await withTools.invoke([question]);
  const [call] = answer.tool_calls ?? [];
  const result = await weather.invoke({ name: 'weather', args: call?.args as { city: string }, id: call?.id ?? '', type: 'tool_call' });
  expect((await withTools.invoke([question, answer, result])).text).toBe('It is sunny.');
});
