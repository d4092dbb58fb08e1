import { describe, expect, test } from 'vitest';
import { createJudge, divergences, specNames } from './official.ts';
import { answeredBy, type Message, refusedBy, sentTo, servers, toldBy } from './traffic.ts';

const judge = createJudge();

const sent = (await Promise.all(servers.map(sentTo))).flat();
const answered = [...servers.flatMap(answeredBy), ...(await Promise.all(servers.map(toldBy))).flat(), ...servers.flatMap(refusedBy)];

function faults(messages: readonly Message[], kind: 'request' | 'answer', by = judge): readonly string[] {
  return messages.flatMap((message) => by(message, kind).map((fault) => `${message.what} is no ${message.schema}: ${fault}`));
}

describe.each(specNames)("%s's own document", (spec) => {
  const of = (messages: readonly Message[]): readonly Message[] => messages.filter((message) => message.spec === spec);

  test('allows every request that the adapters send', () => {
    expect(of(sent).length).toBeGreaterThan(2);
    expect(faults(of(sent), 'request')).toEqual([]);
  });

  test('allows all that the fakes answer', () => {
    expect(of(answered).length).toBeGreaterThan(40);
    expect(faults(of(answered), 'answer')).toEqual([]);
  });
});

describe('a divergence between a document and its server', () => {
  test.each(divergences.map((each) => [`${each.spec} ${each.at.join('.')}`, each] as const))('is still one: %s', (_, divergence) => {
    const strict = createJudge(divergences.filter((each) => each !== divergence));
    const [requests, answers] = [sent, answered].map((all) => all.filter(({ spec }) => spec === divergence.spec));
    expect([...faults(requests ?? [], 'request', strict), ...faults(answers ?? [], 'answer', strict)]).not.toEqual([]);
  });
});

/** A request that is right, but for what is put over it. */
const chat = (value: object): Message => ({
  spec: 'openai',
  schema: 'CreateChatCompletionRequest',
  what: 'a broken body',
  value: { model: 'm', messages: [{ role: 'user', content: 'Hi.' }], ...value },
});

const broken = (spec: Message['spec'], schema: string, value: object): Message => ({ spec, schema, what: '', value });

describe('the judge', () => {
  test.each<[what: string, value: object]>([
    ['without messages', { messages: undefined }],
    ['with a parameter of a wrong type', { temperature: 'hot' }],
    ['with a parameter that is out of bounds', { temperature: 3 }],
    ['with a field that is misspelt', { max_token: 1 }],
    ['with a role that is none', { messages: [{ role: 'robot', content: 'Hi.' }] }],
  ])('refuses a request %s', (_, value) => {
    const asSent = JSON.parse(JSON.stringify(chat(value))) as Message;
    expect(judge(asSent, 'request')).not.toEqual([]);
  });

  test('allows the request that those were made of', () => {
    expect(judge(chat({}), 'request')).toEqual([]);
  });

  test('refuses null where a document of OpenAPI 3.0 has no `nullable`, and allows it where it has', () => {
    const token = { id: 1, text: 'a', logprob: null, special: false };
    const piece = (value: object): Message => ({ spec: 'tgi', schema: 'StreamResponse', what: '', value: { index: 1, token, ...value } });
    expect(judge(piece({ generated_text: null, details: null }), 'answer')).toEqual([]);
    expect(judge(piece({ index: null }), 'answer')).not.toEqual([]);
  });

  test('refuses an answer without a choice, and vectors that TEI would send bare', () => {
    expect(
      judge(broken('openai', 'CreateChatCompletionResponse', { id: 'a', object: 'chat.completion', created: 1, model: 'm' }), 'answer'),
    ).not.toEqual([]);
    expect(judge(broken('tei', 'EmbedResponse', { embeddings: [[1]] }), 'answer')).not.toEqual([]);
  });

  test('refuses a schema that is not there', () => {
    expect(() => judge({ spec: 'tei', schema: 'Nothing', what: '', value: {} }, 'answer')).toThrow('Nothing');
  });
});
