import assert from 'node:assert/strict';
import type { ChatAnswer, ChatRequest, Tool } from '../../index.ts';
import { reply, toolCall } from '../script.ts';
import { question, sentIn, wasNotSent, wasSent } from './calls.ts';
import { type AdapterCase, inGroup } from './case.ts';
import { chat, type ReadCall, readWell } from './reading.ts';

const calling = inGroup('tools');

const weather: Tool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'description-of-the-weather',
    parameters: { type: 'object', properties: { name_of_the_city: { type: 'string' } }, required: ['name_of_the_city'] },
  },
};
const clock: Tool = { type: 'function', function: { name: 'get_time', parameters: { type: 'object', properties: {} } } };
const asking = question({ tools: [weather, clock] });

const weatherIn = (city: string): { name: string; arguments: Record<string, unknown> } => ({
  name: 'get_weather',
  arguments: { name_of_the_city: city },
});
const parallel = toolCall('get_weather', { name_of_the_city: 'Köln "am" Rhein' }, { toolCalls: [weatherIn('Paris'), weatherIn('Rome')] });

function callsOf({ choices }: ChatAnswer): readonly ReadCall[] {
  return (choices[0]?.message.tool_calls ?? []).map(({ id, function: called }) => ({ id, ...called }));
}

function meaning(calls: readonly ReadCall[]): unknown {
  return calls.map(({ name, arguments: text }) => ({ name, arguments: JSON.parse(text) as unknown }));
}

/** As an OpenAI-compatible server and a signing one would have left it. */
const history: ChatRequest = {
  tools: [weather],
  messages: [
    { role: 'user', content: 'How is the weather in Paris?' },
    {
      role: 'assistant',
      content: null,
      reasoning_content: 'I should look.',
      thinking_blocks: [{ type: 'thinking', thinking: 'I should look.', signature: 'canary-of-the-signature' }],
      tool_calls: [
        {
          id: 'call_aBcD1234efGH5678ijKL',
          type: 'function',
          function: { name: 'get_weather', arguments: '{"name_of_the_city":"city-in-the-call"}' },
        },
      ],
    },
    { role: 'tool', tool_call_id: 'call_aBcD1234efGH5678ijKL', content: 'result-of-the-tool' },
  ],
};

const there: readonly AdapterCase[] = [
  calling('sends the name, the description and the parameters of a tool', ['chat', 'tools'], async (bench) => {
    bench.play(reply());
    await chat(bench, asking);
    for (const part of ['get_weather', 'description-of-the-weather', 'name_of_the_city', 'get_time']) {
      wasSent(sentIn(bench.calls[0]), part);
    }
  }),
  calling('sends that a certain tool must be called', ['chat', 'tools', 'toolChoice'], async (bench) => {
    bench.play(toolCall('get_time'));
    await chat(bench, asking);
    await chat(bench, { ...asking, tool_choice: { type: 'function', function: { name: 'get_time' } } });
    assert.notEqual(sentIn(bench.calls[1]), sentIn(bench.calls[0]), 'The request is the same as without tool_choice.');
    wasSent(sentIn(bench.calls[1]), 'get_time');
  }),
  calling('sends that some tool must be called', ['chat', 'tools', 'toolChoice'], async (bench) => {
    bench.play(toolCall('get_time'));
    await chat(bench, asking);
    await chat(bench, { ...asking, tool_choice: 'required' });
    assert.notEqual(sentIn(bench.calls[1]), sentIn(bench.calls[0]), 'The request is the same as without tool_choice.');
  }),
  calling('sends that no tool may be called', ['chat', 'tools'], async (bench) => {
    bench.play(reply());
    await chat(bench, asking);
    await chat(bench, { ...asking, tool_choice: 'none' });
    assert.notEqual(sentIn(bench.calls[1]), sentIn(bench.calls[0]), 'The request is the same as without tool_choice.');
  }),
  calling('sends a call of another provider and its result', ['chat', 'tools'], async (bench) => {
    bench.play(reply('It is warm.'));
    const { choices } = await chat(bench, history);
    assert.equal(choices[0]?.message.content, 'It is warm.');
    assert.match(sentIn(bench.calls[0]), /city-in-the-call.*result-of-the-tool/);
  }),
  calling('sends no signed thoughts of another provider', ['chat', 'tools', 'no thoughts of its own'], async (bench) => {
    bench.play(reply());
    await chat(bench, history);
    await readWell(bench, history);
    for (const call of bench.calls) for (const part of ['canary-of-the-signature', 'thinking_blocks']) wasNotSent(sentIn(call), part);
  }),
];

const back: readonly AdapterCase[] = [
  calling('gives a call with its name, its arguments as JSON text, and an id', ['chat', 'tools'], async (bench) => {
    bench.play(toolCall('get_weather', { name_of_the_city: 'Paris' }));
    const answer = await chat(bench, asking);
    assert.deepEqual(meaning(callsOf(answer)), [weatherIn('Paris')]);
    assert.notEqual(callsOf(answer)[0]?.id, '');
    assert.equal(answer.choices[0]?.message.tool_calls?.[0]?.type, 'function');
  }),
  calling('tells that the answer ended for a call', ['chat', 'tools'], async (bench) => {
    bench.play(toolCall('get_time'));
    assert.equal((await chat(bench, asking)).choices[0]?.finish_reason, 'tool_calls');
    assert.deepEqual((await readWell(bench, asking)).finishReasons, ['tool_calls']);
  }),
  calling('gives parallel calls in order, each with an id of its own', ['chat', 'tools'], async (bench) => {
    bench.play(parallel);
    const calls = callsOf(await chat(bench, asking));
    assert.deepEqual(meaning(calls), [weatherIn('Paris'), weatherIn('Rome'), weatherIn('Köln "am" Rhein')]);
    assert.equal(new Set(calls.map(({ id }) => id)).size, 3, `Three calls have three ids: ${JSON.stringify(calls)}`);
  }),
  calling('gives the same calls in a stream', ['chat', 'tools'], async (bench) => {
    bench.play(parallel);
    const whole = callsOf(await chat(bench, asking));
    const { calls } = await readWell(bench, asking);
    assert.deepEqual(meaning(calls), meaning(whole));
    assert.equal(new Set(calls.map(({ id }) => id)).size, 3, `Three calls have three ids: ${JSON.stringify(calls)}`);
    assert.ok(
      calls.every(({ id }) => id !== ''),
      `Every call has an id: ${JSON.stringify(calls)}`,
    );
  }),
  calling('gives a call without arguments an empty object', ['chat', 'tools'], async (bench) => {
    bench.play(toolCall('get_time'));
    assert.deepEqual(meaning(callsOf(await chat(bench, asking))), [{ name: 'get_time', arguments: {} }]);
    assert.deepEqual(meaning((await readWell(bench, asking)).calls), [{ name: 'get_time', arguments: {} }]);
  }),
  calling('gives nested arguments as they are', ['chat', 'tools'], async (bench) => {
    const given = { list: [1, 2.5, null, true], inner: { text: 'a "b" \\ c\n👩‍🚀', empty: {} } };
    bench.play(toolCall('get_weather', given));
    assert.deepEqual(meaning(callsOf(await chat(bench, asking))), [{ name: 'get_weather', arguments: given }]);
    assert.deepEqual(meaning((await readWell(bench, asking)).calls), [{ name: 'get_weather', arguments: given }]);
  }),
];

export const toolCases: readonly AdapterCase[] = [...there, ...back];
