import { describe, expect, test } from 'vitest';
import { issues, fine, provider } from './refusals.ts';

/** What stands in the place of values; it must never come back. */
const canary = 'canary-value';

describe('shape', () => {
  test('options that are none', () => {
    expect([undefined, null, 5, 'text', [], new Map()].flatMap(issues)).toMatchInlineSnapshot(`
      [
        ": must be an object",
        ": must be an object",
        ": must be an object",
        ": must be an object",
        ": must be an object",
        ": must be an object",
      ]
    `);
  });

  test('every issue at once, those of the shape and those of the meaning', () => {
    expect(
      issues({
        maxAttempts: 0,
        providers: { openai: { type: 'openai', baseUrl: canary }, c: { type: canary }, cpu: { type: 'cpu', threads: canary } },
        models: { m: { opnai: 'x', c: 'y' } },
        defaultIntent: 'fats',
      }),
    ).toMatchInlineSnapshot(`
      [
        "providers.openai.baseUrl: unknown option "baseUrl"; did you mean "url"?",
        "providers.c.type: must be one of ollama, vllm, llamacpp, tgi, textgen, sglang, lmstudio, nvidia, remote-gpu, tei, openai, anthropic, huggingface, together, openai-compatible, cpu, stub, custom",
        "providers.cpu.threads: must be a whole number from 0 to 1024",
        "maxAttempts: must be a whole number from 1 to 5",
        "providers.cpu.modelPath: is missing: a provider of type "cpu" needs modelPath, the path of a GGUF file, or an embedding model",
        "models.m.opnai: there is no provider with this id; did you mean "openai"?",
        "defaultIntent: must be one of "fast", "heavy"; did you mean "fast"?",
      ]
    `);
  });

  test('unknown options, with the nearest name', () => {
    const unknown = { maxAttemts: 1, max_attempts: 1, retries: 1, Timeouts: {}, something: 1, 'sk-secret: x': 1 };
    expect(issues({ ...fine, ...unknown, breaker: { openMS: 1 }, timeouts: { connect: 1 } })).toMatchInlineSnapshot(`
      [
        "timeouts.connect: unknown option "connect"; did you mean "connectMs"?",
        "breaker.openMS: unknown option "openMS"; did you mean "openMs"?",
        "maxAttemts: unknown option "maxAttemts"; did you mean "maxAttempts"?",
        "max_attempts: unknown option "max_attempts"; did you mean "maxAttempts"?",
        "retries: unknown option "retries"; did you mean "maxAttempts"?",
        "Timeouts: unknown option "Timeouts"; did you mean "timeouts"?",
        "something: unknown option "something"",
        "[(name not shown)]: unknown option (name not shown)",
      ]
    `);
    expect(issues(provider({ type: 'ollama', baseURL: canary, model: canary, apikey: canary }))).toMatchInlineSnapshot(`
      [
        "providers.p.baseURL: unknown option "baseURL"; did you mean "url"?",
        "providers.p.model: unknown option "model"; did you mean "defaultModel"?",
        "providers.p.apikey: unknown option "apikey"; did you mean "apiKey"?",
      ]
    `);
    expect(issues({ ...fine, intents: { fast: { ordr: [] } } })).toMatchInlineSnapshot(`
      [
        "intents.fast.ordr: unknown option "ordr"; did you mean "order"?",
      ]
    `);
  });

  test('a wrong kind of value for each router option', () => {
    expect(
      issues({
        providers: canary,
        models: canary,
        intents: canary,
        defaultIntent: 5,
        allowPaid: canary,
        maxAttempts: canary,
        deadlineMs: canary,
        timeouts: canary,
        breaker: canary,
        pinMs: canary,
        onModelMissing: canary,
        transport: { send: 1 },
        clock: {},
        random: canary,
      }),
    ).toMatchInlineSnapshot(`
      [
        "providers: must be an object",
        "models: must be an object",
        "intents: must be an object",
        "defaultIntent: must be text",
        "allowPaid: must be true or false",
        "maxAttempts: must be a whole number from 1 to 5",
        "deadlineMs: must be a number of milliseconds above 0 and at most 2147483647",
        "timeouts: must be an object",
        "breaker: must be an object or 'classic'",
        "pinMs: must be a number of milliseconds above 0 and at most 2147483647",
        "onModelMissing: must be one of skip, substitute",
        "transport: must have send(), as ofetchTransport() has",
        "clock: must have nowMs(), wallMs() and schedule()",
        "random: must be a function that gives a number from 0 to 1",
      ]
    `);
  });

  test('a wrong kind of value for each option of routing', () => {
    const limits = { maxLocality: 'everywhere', maxCostUsd: canary, balance: 'least_busy', allowPaid: canary };
    expect(
      issues({
        ...fine,
        ...limits,
        prices: { date: canary },
        queue: { limit: canary, timeoutMs: canary, agingMs: canary, size: 5 },
        pollMs: true,
        checkEmbeddings: canary,
        intents: { mine: { ...limits, lane: 'slow', affinity: canary } },
      }),
    ).toMatchInlineSnapshot(`
      [
        "intents.mine.balance: must be one of priority, weighted, least-busy, expected-ttft; did you mean "least-busy"?",
        "intents.mine.lane: must be one of fast, heavy",
        "intents.mine.affinity: must be true or false",
        "intents.mine.maxLocality: must be one of process, host, lan, tunnel, cloud",
        "intents.mine.allowPaid: must be true or false",
        "intents.mine.maxCostUsd: must be a number above 0",
        "allowPaid: must be true or false",
        "maxLocality: must be one of process, host, lan, tunnel, cloud",
        "maxCostUsd: must be a number above 0",
        "prices: must have date, source and priceOf(): await loadPrices(), or a table of your own",
        "balance: must be one of priority, weighted, least-busy, expected-ttft; did you mean "least-busy"?",
        "queue.limit: must be a whole number from 0 to 1000000",
        "queue.timeoutMs: must be a number of milliseconds above 0 and at most 2147483647",
        "queue.agingMs: must be a number of milliseconds above 0 and at most 2147483647",
        "queue.size: unknown option "size"",
        "pollMs: must be false, or a number of milliseconds above 0 and at most 2147483647",
        "checkEmbeddings: must be true or false",
      ]
    `);
    expect(issues({ ...fine, queue: 5, prices: 5, pollMs: 0, intents: { mine: { priority: 1 } } })).toMatchInlineSnapshot(`
      [
        "intents.mine.priority: unknown option "priority"",
        "prices: must have date, source and priceOf(): await loadPrices(), or a table of your own",
        "queue: must be an object",
        "pollMs: must be false, or a number of milliseconds above 0 and at most 2147483647",
      ]
    `);
  });

  test('a wrong kind of value for each option of what a provider can take', () => {
    const wrong = {
      locality: 'localhost',
      weight: canary,
      maxConcurrent: canary,
      reservedForFast: canary,
      maxModelBillions: canary,
      embeddingSpace: 5,
      contextLength: canary,
    };
    expect(issues(provider({ type: 'ollama', ...wrong }))).toMatchInlineSnapshot(`
      [
        "providers.p.locality: must be one of process, host, lan, tunnel, cloud",
        "providers.p.weight: must be a number above 0",
        "providers.p.maxConcurrent: must be a whole number from 1 to 1000000",
        "providers.p.reservedForFast: must be a whole number from 0 to 1000000",
        "providers.p.maxModelBillions: must be a number above 0",
        "providers.p.embeddingSpace: must be text",
        "providers.p.contextLength: must be a whole number from 1 to 100000000",
      ]
    `);
  });

  test('a wrong kind of value for each provider option', () => {
    const wrong = 'url defaultModel embeddingModel modelPath embeddingModelPath reply apiKey'.split(' ').map((name) => [name, 5]);
    const rest = 'headers device cost priority timeouts enabled adapter threads contextSize keepAliveS dialect stripPrompt'
      .split(' ')
      .map((name) => [name, canary]);
    expect(issues(provider({ type: 5, ...Object.fromEntries([...wrong, ...rest]) }))).toMatchInlineSnapshot(`
      [
        "providers.p.type: must be one of ollama, vllm, llamacpp, tgi, textgen, sglang, lmstudio, nvidia, remote-gpu, tei, openai, anthropic, huggingface, together, openai-compatible, cpu, stub, custom",
        "providers.p.url: must be text",
        "providers.p.apiKey: must be text, or a function that gives it",
        "providers.p.headers: must be an object",
        "providers.p.device: must be one of gpu, cpu, remote, cloud",
        "providers.p.cost: must be one of free, paid",
        "providers.p.priority: must be a whole number from -1000000 to 1000000",
        "providers.p.defaultModel: must be text",
        "providers.p.embeddingModel: must be text",
        "providers.p.timeouts: must be an object",
        "providers.p.enabled: must be true or false",
        "providers.p.adapter: must be an adapter made by defineAdapter()",
        "providers.p.modelPath: must be text",
        "providers.p.embeddingModelPath: must be text",
        "providers.p.threads: must be a whole number from 0 to 1024",
        "providers.p.contextSize: must be a whole number from 1 to 100000000",
        "providers.p.keepAliveS: must be a whole number from -1 to 31536000",
        "providers.p.dialect: must be one of auto, notebook, proxy, tgi",
        "providers.p.stripPrompt: must be true or false",
        "providers.p.reply: must be text",
      ]
    `);
  });

  test('deeper values', () => {
    expect(
      issues({
        providers: { p: { type: 'vllm', headers: { 'x-a': 5 } }, q: canary },
        models: { 'llama3.1': { p: 5 }, other: canary },
        intents: { 'my intent': canary, fast: { order: canary } },
      }),
    ).toMatchInlineSnapshot(`
      [
        "providers.p.headers["x-a"]: must be text",
        "providers.q: must be an object",
        "models["llama3.1"].p: must be text",
        "models.other: must be an object",
        "intents["my intent"]: must be an object",
        "intents.fast.order: must be a list of devices and ids of providers",
      ]
    `);
  });

  test('empty text', () => {
    expect(issues({ ...provider({ type: 'vllm', url: ' ', defaultModel: '' }), models: { '': { p: '' } }, intents: { '': {} } }))
      .toMatchInlineSnapshot(`
      [
        "providers.p.url: must not be empty",
        "providers.p.defaultModel: must not be empty",
        "models[""].p: must not be empty",
        "intents: the name of an intent must not be empty",
        "models: an alias must not be empty",
      ]
    `);
  });
});

describe('numbers', () => {
  const bad = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 2 ** 31, '0x10', '1e3'];
  const places: [string, (value: unknown) => unknown, unknown[]][] = [
    ['deadlineMs', (deadlineMs) => ({ ...fine, deadlineMs }), bad],
    ['pinMs', (pinMs) => ({ ...fine, pinMs }), bad],
    ...['connectMs', 'firstTokenMs', 'idleMs', 'totalMs'].flatMap((name): [string, (value: unknown) => unknown, unknown[]][] => [
      [`timeouts.${name}`, (value) => ({ ...fine, timeouts: { [name]: value } }), bad],
      [`providers.p.timeouts.${name}`, (value) => provider({ type: 'vllm', timeouts: { [name]: value } }), bad],
      [`intents.fast.timeouts.${name}`, (value) => ({ ...fine, intents: { fast: { timeouts: { [name]: value } } } }), bad],
    ]),
    ...['windowMs', 'openMs', 'maxOpenMs'].map((name): [string, (value: unknown) => unknown, unknown[]] => [
      `breaker.${name}`,
      (value) => ({ ...fine, breaker: { openMs: 1, [name]: value } }),
      bad,
    ]),
    ['maxAttempts', (maxAttempts) => ({ ...fine, maxAttempts }), [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1.5, 1e300]],
    ['breaker.failureThreshold', (failureThreshold) => ({ ...fine, breaker: { failureThreshold } }), [Number.NaN, 0, 1.5, 1001]],
    ['breaker.minimumOutcomes', (minimumOutcomes) => ({ ...fine, breaker: { minimumOutcomes } }), [Number.POSITIVE_INFINITY, 0, 1.5, 1001]],
    ['breaker.failureRatio', (failureRatio) => ({ ...fine, breaker: { failureRatio } }), [Number.NaN, -0.1, 1.1]],
    ['breaker.jitter', (jitter) => ({ ...fine, breaker: { jitter } }), [Number.NaN, -0.1, 1.1]],
    ['providers.p.priority', (priority) => provider({ type: 'vllm', priority }), [Number.NaN, 0.5, 1e9]],
    ['maxCostUsd', (maxCostUsd) => ({ ...fine, maxCostUsd }), [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, '1']],
    ['intents.mine.maxCostUsd', (maxCostUsd) => ({ ...fine, intents: { mine: { maxCostUsd } } }), [Number.NaN, -1, 0]],
    ['queue.limit', (limit) => ({ ...fine, queue: { limit } }), [Number.NaN, -1, 0.5, 1_000_001]],
    ['queue.timeoutMs', (timeoutMs) => ({ ...fine, queue: { timeoutMs } }), bad],
    ['queue.agingMs', (agingMs) => ({ ...fine, queue: { agingMs } }), bad],
    ['providers.p.weight', (weight) => provider({ type: 'vllm', weight }), [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, '1']],
    ['providers.p.maxConcurrent', (maxConcurrent) => provider({ type: 'vllm', maxConcurrent }), [Number.NaN, 0, 1.5, 1_000_001]],
    ['providers.p.reservedForFast', (reservedForFast) => provider({ type: 'vllm', reservedForFast }), [Number.NaN, -1, 0.5]],
    ['providers.p.maxModelBillions', (maxModelBillions) => provider({ type: 'vllm', maxModelBillions }), [Number.NaN, 0, -7]],
    ['providers.p.contextLength', (contextLength) => provider({ type: 'vllm', contextLength }), [Number.NaN, 0, 0.5, 1e9]],
    ['providers.p.threads', (threads) => provider({ type: 'cpu', modelPath: 'm', threads }), [Number.NaN, -1, 0.5, 1025]],
    ['providers.p.contextSize', (contextSize) => provider({ type: 'cpu', modelPath: 'm', contextSize }), [Number.NaN, 0, 0.5, 1e9]],
  ];

  test.each(places)('%s out of range', (path, make, values) => {
    for (const value of values)
      expect(issues(make(value))).toEqual([expect.stringMatching(new RegExp(`^${path}: must be a (whole )?number`))]);
  });

  test('the edges are in range', () => {
    const limits = { connectMs: 0.5, firstTokenMs: 2 ** 31 - 1 };
    expect(issues({ ...fine, timeouts: limits, breaker: { jitter: 1, failureRatio: 0, openMs: 7, maxOpenMs: 7 }, maxAttempts: 1 })).toEqual(
      [],
    );
    expect(issues(provider({ type: 'cpu', modelPath: 'm', threads: 0, priority: -5 }))).toEqual([]);
    const capacity = { weight: 0.001, maxConcurrent: 1, reservedForFast: 0, maxModelBillions: 0.5, contextLength: 1 };
    expect(issues({ ...provider({ type: 'vllm', ...capacity }), queue: { limit: 0, agingMs: 1 }, pollMs: 0.5, maxCostUsd: 1e-9 })).toEqual(
      [],
    );
  });

  test('their sentences', () => {
    expect(issues({ ...fine, deadlineMs: -1, maxAttempts: 0, breaker: { jitter: 2, failureThreshold: 0, openMs: Number.NaN } }))
      .toMatchInlineSnapshot(`
      [
        "maxAttempts: must be a whole number from 1 to 5",
        "deadlineMs: must be a number of milliseconds above 0 and at most 2147483647",
        "breaker.failureThreshold: must be a whole number from 1 to 1000",
        "breaker.openMs: must be a number of milliseconds above 0 and at most 2147483647",
        "breaker.jitter: must be a number from 0 to 1",
      ]
    `);
  });

  test('a breaker that opens longer than it may', () => {
    expect([{ openMs: 9, maxOpenMs: 8 }, { openMs: 400_000 }, { maxOpenMs: 10_000 }].flatMap((breaker) => issues({ ...fine, breaker })))
      .toMatchInlineSnapshot(`
      [
        "breaker.openMs: must not be above maxOpenMs: openMs (9) is above maxOpenMs (8); set both",
        "breaker.openMs: must not be above maxOpenMs: openMs (400000) is above maxOpenMs (300000, the default); set both",
        "breaker.openMs: must not be above maxOpenMs: openMs (30000, the default) is above maxOpenMs (10000); set both",
      ]
    `);
  });
});

describe('providers', () => {
  test('none', () => {
    expect([{}, { providers: {} }].flatMap(issues)).toMatchInlineSnapshot(`
      [
        "providers: is missing or empty: name at least one provider, like { gpu: { type: "ollama" } }",
        "providers: is missing or empty: name at least one provider, like { gpu: { type: "ollama" } }",
      ]
    `);
  });

  test('none that is switched on', () => {
    expect(issues(provider({ type: 'ollama', enabled: false }))).toMatchInlineSnapshot(`
      [
        "providers: every provider is switched off; leave at least one enabled",
      ]
    `);
  });

  test('ids', () => {
    const ids = ['', '-a', 'a b', 'ü', 'a'.repeat(65), 'http://user:canary-value@host'];
    expect(issues({ providers: Object.fromEntries(ids.map((id) => [id, { type: 'stub' }])) })).toMatchInlineSnapshot(`
      [
        "providers: "" is no id: letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first",
        "providers: "-a" is no id: letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first",
        "providers: "a b" is no id: letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first",
        "providers: (name not shown) is no id: letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first",
        "providers: (name not shown) is no id: letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first",
        "providers: (name not shown) is no id: letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first",
      ]
    `);
    expect(issues({ providers: { 'A.b_c-9': { type: 'stub' }, ['a'.repeat(64)]: { type: 'stub' }, toString: { type: 'stub' } } })).toEqual(
      [],
    );
  });

  test('types', () => {
    expect(['olama', 'open-ai', 'llama.cpp', canary, undefined].flatMap((type) => issues(provider({ type })))).toMatchInlineSnapshot(`
      [
        "providers.p.type: must be one of ollama, vllm, llamacpp, tgi, textgen, sglang, lmstudio, nvidia, remote-gpu, tei, openai, anthropic, huggingface, together, openai-compatible, cpu, stub, custom; did you mean "ollama"?",
        "providers.p.type: must be one of ollama, vllm, llamacpp, tgi, textgen, sglang, lmstudio, nvidia, remote-gpu, tei, openai, anthropic, huggingface, together, openai-compatible, cpu, stub, custom; did you mean "openai"?",
        "providers.p.type: must be one of ollama, vllm, llamacpp, tgi, textgen, sglang, lmstudio, nvidia, remote-gpu, tei, openai, anthropic, huggingface, together, openai-compatible, cpu, stub, custom; did you mean "llamacpp"?",
        "providers.p.type: must be one of ollama, vllm, llamacpp, tgi, textgen, sglang, lmstudio, nvidia, remote-gpu, tei, openai, anthropic, huggingface, together, openai-compatible, cpu, stub, custom",
        "providers.p.type: must be one of ollama, vllm, llamacpp, tgi, textgen, sglang, lmstudio, nvidia, remote-gpu, tei, openai, anthropic, huggingface, together, openai-compatible, cpu, stub, custom",
      ]
    `);
  });

  test('what is missing', () => {
    expect(['openai', 'openai-compatible', 'cpu', 'custom'].flatMap((type) => issues(provider({ type })))).toMatchInlineSnapshot(`
      [
        "providers.p.apiKey: is missing: OpenAI needs a key; set apiKey, or OPENAI_API_KEY where the options come from the environment",
        "providers.p.url: is missing: a provider of type "openai-compatible" has no usual address",
        "providers.p.modelPath: is missing: a provider of type "cpu" needs modelPath, the path of a GGUF file, or an embedding model",
        "providers.p.adapter: is missing: a custom provider needs an adapter, made by defineAdapter()",
      ]
    `);
  });

  test('what was refused is not missing as well', () => {
    expect(issues(provider({ type: 'openai', apiKey: '' }))).toMatchInlineSnapshot(`
      [
        "providers.p.apiKey: is empty; give the key, or leave the option out",
      ]
    `);
    expect(issues(provider({ type: 'openai-compatible', url: 'box' }))).toMatchInlineSnapshot(`
      [
        "providers.p.url: is no address; write it like http://127.0.0.1:11434",
      ]
    `);
  });

  test('options of other types', () => {
    const foreign = {
      modelPath: 'm',
      embeddingModelPath: 'e',
      threads: 1,
      contextSize: 1,
      reply: 'r',
      keepAliveS: 1,
      dialect: 'tgi',
      stripPrompt: true,
    } as const;
    const adapter = { name: 'a', chat() {}, stream() {}, capabilities: {} };
    expect(issues(provider({ type: 'vllm', ...foreign, adapter }))).toMatchInlineSnapshot(`
      [
        "providers.p.adapter: is only for providers of type "custom"; leave it out",
        "providers.p.modelPath: is only for providers of type "cpu"; leave it out",
        "providers.p.embeddingModelPath: is only for providers of type "cpu"; leave it out",
        "providers.p.threads: is only for providers of type "cpu"; leave it out",
        "providers.p.contextSize: is only for providers of type "cpu" or "ollama"; leave it out",
        "providers.p.keepAliveS: is only for providers of type "ollama" or "lmstudio"; leave it out",
        "providers.p.dialect: is only for providers of type "remote-gpu"; leave it out",
        "providers.p.stripPrompt: is only for providers of type "remote-gpu"; leave it out",
        "providers.p.reply: is only for providers of type "stub"; leave it out",
      ]
    `);
    expect(issues(provider({ type: 'stub', url: 'http://x', apiKey: 'k', headers: {} }))).toMatchInlineSnapshot(`
      [
        "providers.p.url: a provider of type "stub" runs in this process; leave it out",
        "providers.p.apiKey: a provider of type "stub" runs in this process; leave it out",
        "providers.p.headers: a provider of type "stub" runs in this process; leave it out",
      ]
    `);
    expect(issues(provider({ type: 'custom', adapter, url: 'http://x', apiKey: 'k', headers: {} }))).toMatchInlineSnapshot(`
      [
        "providers.p.url: the adapter of a custom provider does its own networking; leave it out",
        "providers.p.apiKey: the adapter of a custom provider does its own networking; leave it out",
        "providers.p.headers: the adapter of a custom provider does its own networking; leave it out",
      ]
    `);
  });

  test('slots that are all reserved', () => {
    const pairs = [
      [1, 1],
      [4, 4],
      [4, 9],
    ] as const;
    expect(pairs.flatMap(([maxConcurrent, reservedForFast]) => issues(provider({ type: 'vllm', maxConcurrent, reservedForFast }))))
      .toMatchInlineSnapshot(`
      [
        "providers.p.reservedForFast: must be below maxConcurrent, or no other call is ever served; leave it out",
        "providers.p.reservedForFast: must be below maxConcurrent, or no other call is ever served; 3 at most",
        "providers.p.reservedForFast: must be below maxConcurrent, or no other call is ever served; 3 at most",
      ]
    `);
    expect(issues(provider({ type: 'vllm', maxConcurrent: 4, reservedForFast: 3 }))).toEqual([]);
    expect(issues(provider({ type: 'vllm', reservedForFast: 3 }))).toEqual([]);
  });

  test('keys', () => {
    expect(
      ['', ' \n', 'Bearer canary-value', 'canary\u200Bvalue', 'canary-välue'].flatMap((apiKey) =>
        issues(provider({ type: 'vllm', apiKey })),
      ),
    ).toMatchInlineSnapshot(`
      [
        "providers.p.apiKey: is empty; give the key, or leave the option out",
        "providers.p.apiKey: is empty; give the key, or leave the option out",
        "providers.p.apiKey: holds blanks or characters that a header cannot carry; give the key alone, without "Bearer"",
        "providers.p.apiKey: holds blanks or characters that a header cannot carry; give the key alone, without "Bearer"",
        "providers.p.apiKey: holds blanks or characters that a header cannot carry; give the key alone, without "Bearer"",
      ]
    `);
  });

  test('headers', () => {
    const headers = {
      'Authorization: canary-value': '',
      'x-line': `a\r\nx: ${canary}`,
      'x-nul': '\0',
      'x-snow': '☃',
      'Content-Length': '5',
      'X-A': '1',
      'x-a': '2',
    };
    expect(issues(provider({ type: 'vllm', headers }))).toMatchInlineSnapshot(`
      [
        "providers.p.headers: one of the names is no header name: letters, digits and dashes only, the value apart",
        "providers.p.headers["x-line"]: holds a line end, a control character or one outside Latin-1, which a header cannot carry",
        "providers.p.headers["x-nul"]: holds a line end, a control character or one outside Latin-1, which a header cannot carry",
        "providers.p.headers["x-snow"]: holds a line end, a control character or one outside Latin-1, which a header cannot carry",
        "providers.p.headers: "content-length" is set by the transport; leave it out",
        "providers.p.headers["x-a"]: is there twice: capitals make no difference in the names of headers",
      ]
    `);
  });
});

describe('references', () => {
  test('models name providers that exist', () => {
    expect(issues({ ...fine, models: { m: { gpo: 'x', elsewhere: 'y' }, n: {} } })).toMatchInlineSnapshot(`
      [
        "models.m.gpo: there is no provider with this id; did you mean "gpu"?",
        "models.m.elsewhere: there is no provider with this id",
        "models.n: names no provider; write { providerId: "its name for the model" }",
      ]
    `);
  });

  test('the default intent exists', () => {
    expect(issues({ ...fine, intents: { nightly: {} }, defaultIntent: 'nigthly' })).toMatchInlineSnapshot(`
      [
        "defaultIntent: must be one of "fast", "heavy", "nightly"; did you mean "nightly"?",
      ]
    `);
  });

  test('an order names devices and providers that exist, each once', () => {
    const orders = { a: ['gpu', 'gpu'], b: ['gpq'], c: [['cpu'], ['remote', 'cpu']], d: ['openay', canary], e: [['gpu', 'vlm']], f: [[]] };
    const intents = Object.fromEntries(Object.entries(orders).map(([name, order]) => [name, { order }]));
    expect(issues({ providers: { openai: { type: 'stub' }, vllm: { type: 'stub' } }, intents })).toMatchInlineSnapshot(`
      [
        "intents.a.order: names something twice; each device and each provider belongs there once",
        "intents.b.order.0: is neither a device nor the id of a provider; did you mean "gpu"?",
        "intents.c.order: names something twice; each device and each provider belongs there once",
        "intents.d.order.0: is neither a device nor the id of a provider; did you mean "openai"?",
        "intents.d.order.1: is neither a device nor the id of a provider",
        "intents.e.order.0.1: is neither a device nor the id of a provider; did you mean "vllm"?",
        "intents.f.order.0: is an empty list; name the devices or providers that stand equal, or leave it out",
      ]
    `);
  });

  test('an order is made of names and lists of names', () => {
    const orders = { a: [5], b: [['gpu', 5]], c: [[['gpu']]], d: [''], e: 'gpu', f: [{ gpu: 1 }] };
    const intents = Object.fromEntries(Object.entries(orders).map(([name, order]) => [name, { order }]));
    expect(issues({ ...fine, intents })).toMatchInlineSnapshot(`
      [
        "intents.a.order.0: must be a device, the id of a provider, or a list of them",
        "intents.b.order.0.1: must be text",
        "intents.c.order.0.0: must be text",
        "intents.d.order.0: must not be empty",
        "intents.e.order: must be a list of devices and ids of providers",
        "intents.f.order.0: must be a device, the id of a provider, or a list of them",
      ]
    `);
  });

  test('what points at something refused is no second issue', () => {
    expect(issues({ providers: { p: { type: 'stub' }, q: 5 }, models: { m: { q: 'x' } }, intents: { i: 5 }, defaultIntent: 'i' }))
      .toMatchInlineSnapshot(`
      [
        "providers.q: must be an object",
        "intents.i: must be an object",
      ]
    `);
  });
});

describe('hostile objects', () => {
  test.each(['__proto__', 'constructor', 'prototype'])('%s is refused at any depth, and no prototype is touched', (name) => {
    const at = (text: string): unknown => JSON.parse(text.replaceAll('NAME', name)) as unknown;
    const found = [
      '{"NAME":{"polluted":1},"providers":{"p":{"type":"stub"}}}',
      '{"providers":{"NAME":{"type":"stub"}}}',
      '{"providers":{"p":{"type":"vllm","headers":{"NAME":"x"}}}}',
      '{"providers":{"p":{"type":"stub"}},"models":{"NAME":{"p":"x"}}}',
    ].map((text) => issues(at(text)));
    expect(found.map((list) => list.length)).toEqual([1, 1, 1, 1]);
    expect(found[2]?.[0]).toBe(`providers.p.headers.${name}: the name "${name}" is not allowed; choose another`);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  test('what throws when it is read', () => {
    const boom = (): never => {
      throw new Error(canary);
    };
    expect(issues(Object.defineProperty({ ...fine }, 'maxAttempts', { get: boom, enumerable: true }))).toMatchInlineSnapshot(`
      [
        "maxAttempts: could not be read: reading it threw an error",
      ]
    `);
    expect(issues(new Proxy({}, { ownKeys: boom }))).toMatchInlineSnapshot(`
      [
        ": could not be read: reading it threw an error",
      ]
    `);
    expect(issues({ ...fine, transport: new Proxy({}, { get: boom }), prices: new Proxy({}, { get: boom }) })).toMatchInlineSnapshot(`
      [
        "prices: must have date, source and priceOf(): await loadPrices(), or a table of your own",
        "transport: must have send(), as ofetchTransport() has",
      ]
    `);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(issues({ ...fine, models: proxy, clock: proxy })).toMatchInlineSnapshot(`
      [
        "models: could not be read: reading it threw an error",
        "clock: must have nowMs(), wallMs() and schedule()",
      ]
    `);
  });

  test('circles and crowds', () => {
    const circle: Record<string, unknown> = {};
    circle['timeouts'] = circle;
    expect(issues({ ...fine, ...circle }).at(0)).toMatchInlineSnapshot(
      `"timeouts.timeouts.timeouts.timeouts.timeouts.timeouts.timeouts: is nested more than 6 levels deep"`,
    );
    expect(issues({ ...fine, models: Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`m${index}`, { gpu: 'x' }])) }))
      .toMatchInlineSnapshot(`
      [
        "models: has more than 10000 entries",
      ]
    `);
  });
});
