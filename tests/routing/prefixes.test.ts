import { describe, expect, test } from 'vitest';
import type { ChatMessage } from '../../src/core/types.ts';
import { createPrefixMemory, prefixKeys } from '../../src/routing/prefixes.ts';

const user = (content: string): ChatMessage => ({ role: 'user', content });
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });
const system: ChatMessage = { role: 'system', content: 'You are a helpful assistant of few words. '.repeat(50) };

const tokensOf = (messages: readonly ChatMessage[]): number => prefixKeys(messages).at(-1)!.tokens;
const hashOf = (messages: readonly ChatMessage[], tools?: unknown): number => prefixKeys(messages, tools).at(-1)!.hash;
const turns = (count: number): ChatMessage[] =>
  Array.from({ length: count }, (_, index) => (index % 2 === 0 ? user(`question ${index}`) : assistant(`answer ${index}`)));

const image = (url: string): ChatMessage => ({ role: 'user', content: [{ type: 'image_url', image_url: { url } }] });
const call = (name: string, text: string): ChatMessage => ({
  role: 'assistant',
  tool_calls: [{ id: 'c1', type: 'function', function: { name, arguments: text } }],
});
const weather = [
  { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } },
];
const tide = [
  { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { port: { type: 'string' } } } } },
];

describe('keys', () => {
  test('of a prompt that goes on begin with the keys of the prompt', () => {
    const conversation = [system, ...turns(10)];
    for (let length = 1; length <= conversation.length; length += 1) {
      expect(prefixKeys(structuredClone(conversation)).slice(0, length)).toEqual(prefixKeys(conversation.slice(0, length)));
    }
  });

  test.each<[string, readonly ChatMessage[], readonly ChatMessage[]]>([
    ['a word', [user('one two')], [user('one too')]],
    ['a role', [user('one')], [assistant('one')]],
    ['a name', [{ ...user('one'), name: 'Ann' }], [{ ...user('one'), name: 'Ben' }]],
    ['the order', [user('one'), user('two')], [user('two'), user('one')]],
    ['where one message ends', [user('one'), user('two')], [user('on'), user('etwo')]],
    ['a picture', [image('data:image/png;base64,AAAA')], [image('data:image/png;base64,AAAB')]],
    ['the name of a called tool', [call('a', '{}')], [call('b', '{}')]],
    ['what a tool is called with', [call('a', '{"x":1}')], [call('a', '{"x":2}')]],
    ['which call is answered', [{ role: 'tool', content: '1', tool_call_id: 'a' }], [{ role: 'tool', content: '1', tool_call_id: 'b' }]],
    ['a thought', [{ ...assistant('a'), reasoning_content: 'x' }], [{ ...assistant('a'), reasoning_content: 'y' }]],
    ['the length of a long text', [user('a'.repeat(100_000))], [user('a'.repeat(100_001))]],
    ['the start of a long text', [user(`b${'a'.repeat(100_000)}`)], [user(`c${'a'.repeat(100_000)}`)]],
    ['the end of a long text', [user(`${'a'.repeat(100_000)}b`)], [user(`${'a'.repeat(100_000)}c`)]],
    ['the middle of a long text', [user('ab'.repeat(50_000))], [user('ab'.repeat(10_000) + 'ba'.repeat(30_000) + 'ab'.repeat(10_000))]],
  ])('differ with %s', (_name, left, right) => {
    expect(hashOf(left)).not.toBe(hashOf(right));
    expect(hashOf(structuredClone(left))).toBe(hashOf(left));
  });

  test('differ with a signed thought', () => {
    const thinking = (text: string): ChatMessage => ({
      ...assistant('a'),
      thinking_blocks: [
        { type: 'thinking', thinking: text, signature: 's' },
        { type: 'redacted_thinking', data: `${text}!` },
      ],
    });
    expect(hashOf([thinking('x')])).not.toBe(hashOf([thinking('y')]));
  });

  test('differ with the tools offered, which come before all messages', () => {
    const messages = [user('one')];
    expect(new Set([hashOf(messages), hashOf(messages, weather), hashOf(messages, tide)]).size).toBe(3);
    expect(hashOf(messages, structuredClone(weather))).toBe(hashOf(messages, weather));
    expect(prefixKeys(messages, weather)[0]!.tokens).toBeGreaterThan(prefixKeys(messages)[0]!.tokens + 10);
  });

  test('are the same for a text and for a list with this text', () => {
    expect(prefixKeys([{ role: 'user', content: [{ type: 'text', text: 'one' }] }])).toEqual(prefixKeys([user('one')]));
  });

  test('of 100,000 prompts of one form are all different', () => {
    const hashes = Array.from({ length: 100_000 }, (_, index) => hashOf([user(`ticket ${index}`)]));
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashes.every(Number.isSafeInteger)).toBe(true);
  });

  test('of a long conversation are those of its first two and last 16 messages', () => {
    const keys = prefixKeys(turns(100));
    expect(keys).toHaveLength(18);
    expect(keys.slice(0, 2)).toEqual(prefixKeys(turns(2)));
    expect(keys.at(-16)).toEqual(prefixKeys(turns(85)).at(-1));
  });

  test('of tools without end are made all the same', () => {
    const endless: unknown[] = [];
    endless.push(endless, endless);
    expect(prefixKeys([user('one')], endless)).toHaveLength(1);
  });
});

/** Of a user's message with this content. */
const bytesOf = (content: string): number => Buffer.byteLength(`user${content}`);

describe('tokens', () => {
  test.each([
    ['English', 'the quick brown fox jumps over it ', 1],
    ['Russian', 'съешь ещё этих мягких булок ', 1],
    ['Chinese', '我能吞下玻璃而不伤身体', 1],
    ['smileys', '🙂🙃', 1],
  ])('of %s text are a quarter of its bytes, of long texts nearly', (_name, text) => {
    expect(tokensOf([user(text)])).toBe(Math.round(bytesOf(text) / 4));
    const long = text.repeat(10_000);
    expect(Math.abs(tokensOf([user(long)]) / (bytesOf(long) / 4) - 1)).toBeLessThan(0.05);
  });

  test('of a picture do not grow with its bytes', () => {
    expect(tokensOf([image(`data:image/png;base64,${'A'.repeat(1_000_000)}`)])).toBe(tokensOf([image('https://example.com/a.png')]));
    expect(tokensOf([image('https://example.com/a.png')])).toBeGreaterThan(500);
  });
});

describe('a provider', () => {
  const keys = prefixKeys([system, ...turns(3)]);
  const [systemTokens] = prefixKeys([system]).map(({ tokens }) => tokens);

  test('that had the last turn has most of the next', () => {
    const memory = createPrefixMemory();
    memory.remember(keys, 'gpu', 'm', 0);
    const next = prefixKeys([system, ...turns(5)]);
    expect([...memory.holders(next, 'm', 1)]).toEqual([['gpu', keys.at(-1)!.tokens]]);
  });

  test('that had the last turn of a long conversation has most of the next', () => {
    const memory = createPrefixMemory();
    memory.remember(prefixKeys(turns(99)), 'gpu', 'm', 0);
    expect(memory.holders(prefixKeys(turns(101)), 'm', 1).get('gpu')).toBe(tokensOf(turns(99)));
  });

  test('that had the last turn has most of the next, however many tools were called in between', () => {
    const before = [system, ...turns(3)];
    const ids = Array.from({ length: 40 }, (_, index) => `c${index}`);
    const calls: ChatMessage = {
      role: 'assistant',
      tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'weather', arguments: '{}' } })),
    };
    const results = ids.map((id): ChatMessage => ({ role: 'tool', tool_call_id: id, content: 'rain' }));
    const memory = createPrefixMemory();
    memory.remember(prefixKeys(before), 'gpu', 'm', 0);
    expect(memory.holders(prefixKeys([...before, calls, ...results]), 'm', 1).get('gpu')).toBe(tokensOf(before));
  });

  test('that was asked another last question about the same has all but that', () => {
    const document = [system, ...turns(20)];
    const memory = createPrefixMemory();
    memory.remember(prefixKeys([...document, user('one question')]), 'gpu', 'm', 0);
    expect(memory.holders(prefixKeys([...document, user('another')]), 'm', 1).get('gpu')).toBe(tokensOf(document));
  });

  test('that had another conversation with the same system prompt has that much', () => {
    const memory = createPrefixMemory();
    memory.remember(keys, 'gpu', 'm', 0);
    expect([...memory.holders(prefixKeys([system, user('else')]), 'm', 1)]).toEqual([['gpu', systemTokens]]);
    expect(memory.holders(prefixKeys([user('else')]), 'm', 1).size).toBe(0);
  });

  test('has as much as it had itself, though others had more or less', () => {
    const memory = createPrefixMemory();
    memory.remember(keys, 'gpu', 'm', 0);
    memory.remember(keys.slice(0, 1), 'cpu', 'm', 0);
    memory.remember(keys, 'other', 'm', 0);
    const all = memory.holders(keys, 'm', 1);
    expect(Object.fromEntries(all)).toEqual({ gpu: keys.at(-1)!.tokens, cpu: systemTokens, other: keys.at(-1)!.tokens });
  });

  test('has nothing of what it had with another model', () => {
    const memory = createPrefixMemory();
    memory.remember(keys, 'gpu', 'm', 0);
    memory.remember(keys, 'cpu', undefined, 0);
    expect(memory.holders(keys, 'n', 1).size).toBe(0);
    expect([...memory.holders(keys, 'm', 1).keys()]).toEqual(['gpu']);
    expect([...memory.holders(keys, undefined, 1).keys()]).toEqual(['cpu']);
  });

  test('has forgotten after half an hour without use', () => {
    const memory = createPrefixMemory();
    memory.remember(keys, 'gpu', 'm', 0);
    memory.remember(keys, 'cpu', 'm', 1_000);
    expect([...memory.holders(keys, 'm', 1_799_999).keys()]).toEqual(['gpu', 'cpu']);
    expect([...memory.holders(keys, 'm', 1_800_000).keys()]).toEqual(['cpu']);
    memory.remember(keys, 'cpu', 'm', 1_800_000);
    expect([...memory.holders(keys, 'm', 3_599_999).keys()]).toEqual(['cpu']);
  });
});

describe('the memory', () => {
  const prompt = (name: string) => prefixKeys([user(name)]);

  test('forgets what was used least recently first', () => {
    const memory = createPrefixMemory({ mostEntries: 3 });
    for (const name of ['a', 'b', 'c', 'a', 'd']) memory.remember(prompt(name), 'gpu', 'm', 0);
    expect(['a', 'b', 'c', 'd'].filter((name) => memory.holders(prompt(name), 'm', 0).size > 0)).toEqual(['a', 'c', 'd']);
  });

  test('forgets the long beginnings of a conversation before the short', () => {
    const memory = createPrefixMemory({ mostEntries: 4 });
    memory.remember(prefixKeys(turns(3)), 'gpu', 'm', 0);
    memory.remember(prefixKeys([user('else'), ...turns(1)]), 'gpu', 'm', 0);
    expect(memory.holders(prefixKeys(turns(3)), 'm', 0).get('gpu')).toBe(tokensOf(turns(2)));
  });

  test('has room for 1,000 long conversations at once, whichever of them goes on', () => {
    const memory = createPrefixMemory();
    const turnOf = (conversation: number, length: number) => prefixKeys([system, user(`conversation ${conversation}`), ...turns(length)]);
    const names = Array.from({ length: 1_000 }, (_, conversation) => conversation);
    for (const length of [30, 32]) {
      for (const name of names) memory.remember(turnOf(name, length), `p${name % 7}`, 'm', 0);
    }
    for (const name of names) {
      const next = turnOf(name, 34);
      expect(memory.holders(next, 'm', 0).get(`p${name % 7}`)).toBe(turnOf(name, 32).at(-1)!.tokens);
    }
  });

  test('counts each provider and model, and once', () => {
    const memory = createPrefixMemory();
    for (const provider of ['a', 'b', 'a']) for (const model of ['m', 'n', undefined]) memory.remember(prompt('x'), provider, model, 0);
    expect(memory.size).toBe(6);
  });

  test('lets go of what is too old', () => {
    const memory = createPrefixMemory({ keepMs: 100 });
    memory.remember(prompt('a'), 'gpu', 'm', 0);
    memory.remember(prompt('b'), 'gpu', 'm', 50);
    memory.remember(prompt('b'), 'cpu', 'm', 60);
    memory.remember(prompt('b'), 'other', 'm', 155);
    expect(memory.size).toBe(2);
  });

  test('holds 10,000 entries after 1,000,000 different prompts', () => {
    const memory = createPrefixMemory();
    for (let index = 0; index < 1_000_000; index += 1) memory.remember([{ hash: index, tokens: 1 }], `p${index % 5}`, 'm', 0);
    expect(memory.size).toBe(10_000);
    expect(memory.holders([{ hash: 990_000, tokens: 1 }], 'm', 0).size).toBe(1);
    expect(memory.holders([{ hash: 989_999, tokens: 1 }], 'm', 0).size).toBe(0);
  });

  test('holds no more where all have one beginning', () => {
    const memory = createPrefixMemory({ mostEntries: 10 });
    for (let index = 0; index < 1_000; index += 1) memory.remember(prompt('a'), `p${index}`, 'm', 0);
    expect(memory.size).toBeLessThanOrEqual(10);
  });
});

test('a message of 1 MiB takes about as little time as one of 10 KiB', () => {
  const texts = [10 * 1024, 1024 * 1024].map((length) => 'word '.repeat(length).slice(0, length));
  const cpuMicroseconds = (text: string): number => {
    const before = process.cpuUsage();
    for (let time = 0; time < 2_000; time += 1) prefixKeys([user(text)]);
    const { user: used, system: kernel } = process.cpuUsage(before);
    return used + kernel;
  };
  const best = texts.map((text) => Math.min(...Array.from({ length: 5 }, () => cpuMicroseconds(text))));
  // Reading all of it would take a hundred times as long.
  expect(best[1]! / best[0]!).toBeLessThan(5);
});
