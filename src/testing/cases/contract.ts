import assert from 'node:assert/strict';
import {
  type ChatAnswer,
  type ChatChunk,
  type ChatRequest,
  createRouter,
  type Feature,
  isRouterError,
  type Parameter,
  type RouterOptions,
} from '../../index.ts';
import { reply } from '../script.ts';
import { question, sentIn, wasNotSent, wasSent } from './calls.ts';
import { type AdapterCase, type Bench, inGroup } from './case.ts';
import { lackedFeatures, lackedVerbs } from './needs.ts';
import { chat, embed, failureOf, hasCode, readWell } from './reading.ts';

const contract = inGroup('contract');

/** Values that nothing else in a request has, so that they are found wherever a protocol puts them. */
const parameters: Readonly<
  Record<Exclude<Parameter, 'parallel_tool_calls'>, { readonly request: Partial<ChatRequest>; readonly seen: string }>
> = {
  temperature: { request: { temperature: 0.731 }, seen: '0.731' },
  top_p: { request: { top_p: 0.617 }, seen: '0.617' },
  max_tokens: { request: { max_tokens: 3_719 }, seen: '3719' },
  stop: { request: { stop: ['stop-canary'] }, seen: 'stop-canary' },
  seed: { request: { seed: 73_193 }, seen: '73193' },
  presence_penalty: { request: { presence_penalty: 0.419 }, seen: '0.419' },
  frequency_penalty: { request: { frequency_penalty: 0.383 }, seen: '0.383' },
  user: { request: { user: 'user-canary' }, seen: 'user-canary' },
};
const named = Object.keys(parameters) as (keyof typeof parameters)[];

const tools: ChatRequest['tools'] = [{ type: 'function', function: { name: 'look_up', parameters: { type: 'object', properties: {} } } }];

/** A request with each feature, and with nothing else that needs one. */
const featured: Readonly<Record<Exclude<Feature, 'dimensions' | 'prefill'>, Partial<ChatRequest>>> = {
  tools: { tools },
  toolChoice: { tool_choice: 'required' },
  vision: { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aW1hZ2U=' } }] }] },
  jsonObject: { response_format: { type: 'json_object' } },
  jsonSchema: { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } } },
  logprobs: { logprobs: true },
  logitBias: { logit_bias: { '17': 1 } },
  choices: { n: 2 },
  reasoningEffort: { reasoning_effort: 'high' },
};

/** What is sent for a request. */
async function sentFor(bench: Bench, request: Partial<ChatRequest>): Promise<string> {
  bench.play(reply());
  await chat(bench, question(request));
  assert.equal(bench.calls.length, 1, 'A chat is one call.');
  return sentIn(bench.calls[0]);
}

/** A router whose only provider is the adapter. */
async function routed(bench: Bench, run: (router: ReturnType<typeof createRouter>) => Promise<void>): Promise<void> {
  const options: RouterOptions = { providers: { box: { type: 'custom', adapter: bench.adapter } }, checkModels: false, maxAttempts: 1 };
  const router = createRouter(options);
  bench.play(reply());
  await run(router).finally(() => router.close());
  assert.equal(bench.calls.length, 0, 'Nothing may be sent.');
}

async function isRefused(call: Promise<unknown>, what: string): Promise<void> {
  const error = await failureOf(call);
  hasCode(error, 'no_provider');
  assert.ok(
    error.skipped.some(({ code }) => code === 'unsupported'),
    `${what} is refused as unsupported.`,
  );
}

function hasHead({ id, created, model }: ChatAnswer | ChatChunk, what: string): void {
  assert.ok(typeof id === 'string' && id !== '', `${what} has an id, and not ${JSON.stringify(id)}.`);
  assert.ok(Number.isInteger(created) && created >= 0 && created < 1e11, `created is in seconds, and not ${created}.`);
  assert.equal(typeof model, 'string');
}

const madeBy = 'defineAdapter() makes them complete and freezes them.';

const shapes: readonly AdapterCase[] = [
  contract('has a name', [], async ({ adapter }) => {
    assert.equal(typeof adapter.name, 'string');
    assert.notEqual(adapter.name, '');
  }),
  contract('its capabilities are frozen, complete, and the same object after calls', [], async (bench) => {
    const { capabilities, ignores } = bench.adapter;
    assert.ok(Object.isFrozen(capabilities) && Object.isFrozen(ignores), `They are not frozen. ${madeBy}`);
    assert.deepEqual(Object.keys(capabilities).toSorted(), [...Object.keys(featured), 'dimensions', 'prefill'].toSorted(), madeBy);
    assert.ok(
      Object.values(capabilities).every((declared) => typeof declared === 'boolean'),
      `Each is true or false: ${JSON.stringify(capabilities)}`,
    );
    const before = JSON.stringify(capabilities);
    if (bench.adapter.chats) await chat(bench, question());
    else await embed(bench, { input: 'A text' });
    assert.equal(bench.adapter.capabilities, capabilities);
    assert.equal(JSON.stringify(capabilities), before);
  }),
  contract('can be closed twice', [], async ({ adapter }) => {
    await adapter.close?.();
    await adapter.close?.();
  }),
  contract('a whole answer has the shape of a chat.completion', ['chat'], async (bench) => {
    bench.play(reply('An answer.'));
    const answer = await chat(bench, question());
    assert.equal(answer.object, 'chat.completion');
    hasHead(answer, 'An answer');
    assert.equal(answer.choices.length, 1);
    assert.equal(answer.choices[0]?.index, 0);
    assert.equal(answer.choices[0]?.message.role, 'assistant');
  }),
  contract('every piece of a stream has the shape of a chat.completion.chunk', ['chat'], async (bench) => {
    bench.play(reply('An answer in pieces.'));
    const { chunks } = await readWell(bench, question());
    for (const chunk of chunks) {
      assert.equal(chunk.object, 'chat.completion.chunk');
      hasHead(chunk, 'A chunk');
      assert.ok(
        chunk.choices.every((choice) => choice.index === 0 && typeof choice.delta === 'object'),
        `Each choice has the index 0 and a delta: ${JSON.stringify(chunk.choices)}`,
      );
    }
    assert.equal(new Set(chunks.map(({ id }) => id)).size, 1, 'All chunks have one id.');
  }),
  contract('leaves the request of a chat as it was', ['chat'], async (bench) => {
    const request = question({
      messages: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: [{ type: 'text', text: 'First.' }] },
        { role: 'assistant', content: 'Second.', reasoning_content: 'A thought.' },
        { role: 'user', content: 'Third.' },
      ],
      stop: ['.'],
      max_completion_tokens: 9,
      extra: { [bench.adapter.name]: { nested: { list: [1] } } },
    });
    const before = structuredClone(request);
    await chat(bench, request);
    await readWell(bench, request);
    assert.deepEqual(request, before);
  }),
  contract('leaves the request of an embedding as it was', ['embed'], async (bench) => {
    const request = { input: ['One text.', 'Another.'] };
    await embed(bench, request);
    assert.deepEqual(request, { input: ['One text.', 'Another.'] });
  }),
];

const mapped: readonly AdapterCase[] = [
  ...named.map((name) =>
    contract(`sends ${name}`, ['chat', `parameter:${name}`], async (bench) => {
      const { request, seen } = parameters[name];
      wasNotSent(await sentFor(bench, {}), seen);
      wasSent(await sentFor(bench, request), seen, ` Where the server has no place for it, '${name}' belongs into \`ignores\`.`);
    }),
  ),
  contract('sends parallel_tool_calls', ['chat', 'tools', 'parameter:parallel_tool_calls'], async (bench) => {
    assert.notEqual(await sentFor(bench, { tools, parallel_tool_calls: false }), await sentFor(bench, { tools }));
  }),
  contract('takes max_completion_tokens for max_tokens', ['chat', 'parameter:max_tokens'], async (bench) => {
    wasSent(await sentFor(bench, { max_completion_tokens: 3_719 }), '3719');
  }),
  contract('sends nothing of the parameters that it declares to ignore', ['chat', 'ignores'], async (bench) => {
    const without = await sentFor(bench, {});
    for (const name of named.filter((each) => bench.adapter.ignores.includes(each))) {
      assert.equal(await sentFor(bench, parameters[name].request), without, `${name} changes the request.`);
    }
    if (!bench.adapter.ignores.includes('parallel_tool_calls')) return;
    const more = bench.adapter.capabilities.tools ? { tools } : {};
    assert.equal(await sentFor(bench, { ...more, parallel_tool_calls: false }), await sentFor(bench, more));
  }),
];

const refused: readonly AdapterCase[] = [
  contract('what needs a feature that it does not declare is refused before anything is sent', ['lacks a feature'], async (bench) => {
    await routed(bench, async (router) => {
      for (const feature of lackedFeatures(bench.adapter)) {
        const model = bench.model ?? 'a-model';
        if (feature === 'dimensions') await isRefused(router.embed({ model, input: 'A text', dimensions: 3 }), feature);
        else await isRefused(router.chat({ model, ...question(featured[feature]) }), feature);
      }
    });
  }),
  contract('a verb that it lacks is refused before anything is sent', ['lacks a verb'], async (bench) => {
    await routed(bench, async (router) => {
      const model = bench.model ?? 'a-model';
      for (const verb of lackedVerbs(bench.adapter)) {
        await isRefused(verb === 'embed' ? router.embed({ model, input: 'A text' }) : router.chat({ model, ...question() }), verb);
      }
    });
    if (bench.adapter.chats) return;
    assert.ok(isRouterError(await failureOf(chat(bench, question())), 'unsupported'), 'chat() says that it is unsupported.');
  }),
];

export const contractCases: readonly AdapterCase[] = [...shapes, ...mapped, ...refused];
