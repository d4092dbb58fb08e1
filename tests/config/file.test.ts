import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { fromFile, fromJson, type LoadedOptions } from '../../src/config/file.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { isRouterError, type ConfigError } from '../../src/core/errors.ts';
import { issuesOf } from './refusals.ts';

const folder = mkdtempSync(join(tmpdir(), 'inferlane-canary-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const pair = {
  providers: {
    gpu: { type: 'ollama', url: 'http://127.0.0.1:11434' },
    cpu: { type: 'ollama', url: 'http://127.0.0.1:11435', device: 'cpu' },
  },
  models: { small: { gpu: 'llama3.1:8b', cpu: 'llama3.1:8b' } },
  intents: { chat: { order: [['gpu', 'remote'], 'cpu'] } },
  maxAttempts: 2,
};

const load = (document: unknown, env: Record<string, string> = {}): LoadedOptions => fromJson(document, { env });
const text = (value: unknown): string => JSON.stringify(value, undefined, 2);

async function issuesOfFile(path: string | URL): Promise<string[]> {
  const error: unknown = await fromFile(path, { env: {} }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isRouterError(error, 'invalid_config')) throw error;
  return (error as ConfigError).issues.map(({ path: at, message }) => `${at}: ${message}`);
}

describe('what a file gives', () => {
  test('is the options that stand in it, without $schema, and they resolve', async () => {
    const options = await fromFile(put('pair.json', text({ $schema: './config.schema.json', ...pair })));
    expect(options).toEqual(pair);
    expect(resolveConfig(options).config.providers.map(({ id }) => id)).toEqual(['gpu', 'cpu']);
  });

  test('is the same of a path, an address of a file, a text and a value', async () => {
    const path = put('same.json', text(pair));
    for (const given of [path, pathToFileURL(path)]) expect(await fromFile(given)).toEqual(pair);
    for (const given of [text(pair), `\uFEFF${text(pair)}`, pair]) expect(load(given)).toEqual(pair);
    expect(await fromFile(put('bom.json', `\uFEFF${text(pair)}`))).toEqual(pair);
  });

  test('is plain options: the two lists do not show up when they are spread', () => {
    const options = load({ ...pair, maxAttempts: 3 }, {});
    expect(Object.keys({ ...options })).toEqual(Object.keys(pair));
    expect([options.report, options.warnings]).toEqual([[], []]);
  });

  test('is a copy, so that the value that was given may change', () => {
    const value = { providers: { p: { type: 'stub', reply: '${R}' } } };
    expect(load(value, { R: 'put in' }).providers['p']?.reply).toBe('put in');
    expect(value.providers.p.reply).toBe('${R}');
  });

  test('may lack the prices that code adds', () => {
    const options = load({ providers: { p: { type: 'openai', apiKey: '${K}' } }, maxCostUsd: 1 }, { K: 'k' });
    expect(() => resolveConfig(options)).toThrow('prices: is missing');
  });

  test('takes the variables of the process where none are given', () => {
    vi.stubEnv('INFERLANE_TEST_REPLY', 'of the process');
    expect(fromJson({ providers: { p: { type: 'stub', reply: '${INFERLANE_TEST_REPLY}' } } }).providers['p']?.reply).toBe('of the process');
  });
});

describe('references to variables', () => {
  const reply = (written: string, env: Record<string, string> = {}): string | undefined =>
    load({ providers: { p: { type: 'stub', reply: written } } }, env).providers['p']?.reply;

  test.each<[string, Record<string, string>, string]>([
    ['${A}', { A: 'a' }, 'a'],
    ['x${A}y${B_2}z${A}', { A: 'a', B_2: 'b' }, 'xaybza'],
    ['${A:-otherwise}', {}, 'otherwise'],
    ['${A:-otherwise}', { A: ' ' }, 'otherwise'],
    ['${A:-otherwise}', { A: 'a' }, 'a'],
    ['${A:-}', {}, ''],
    ['${A:-a:-b, c}', {}, 'a:-b, c'],
    ['$${A}', { A: 'a' }, '${A}'],
    ['$$${A}', { A: 'a' }, '$${A}'],
    ['$A $ {A} $$ 5$', { A: 'a' }, '$A $ {A} $$ 5$'],
    ['${A}', { A: '${B}', B: 'b' }, '${B}'],
    ['${A}', { A: '", "url": "http://elsewhere' }, '", "url": "http://elsewhere'],
    ['${A}', { A: "$& $' $1" }, "$& $' $1"],
  ])('%s with %j is %s', (written, env, expected) => {
    expect(reply(written, env)).toBe(expected);
  });

  test('stand in values only, and give text only', () => {
    const env = { NAME: 'gpu', N: '3' };
    expect(issuesOf(() => load({ providers: { '${NAME}': { type: 'stub' } } }, env))[0]).toMatch(/^providers: .* is no id/);
    expect(issuesOf(() => load({ ...pair, maxAttempts: '${N}' }, env))).toEqual([
      'maxAttempts: must be a whole number from 1 to 5; its value is the text of ${N}',
    ]);
  });

  test('are reported with the options that they produced', () => {
    const document = {
      providers: { p: { type: 'vllm', url: 'http://${HOST}:${PORT}', headers: { 'x-host': '${HOST}' }, defaultModel: '${M:-m}' } },
    };
    expect(load(document, { HOST: 'box', PORT: '8000' }).report).toEqual([
      { variable: 'HOST', sets: ['providers.p.url', 'providers.p.headers["x-host"]'] },
      { variable: 'PORT', sets: ['providers.p.url'] },
      { variable: 'M', sets: ['providers.p.defaultModel'] },
    ]);
  });

  test('of what is no text, or cannot be read, take no default', () => {
    const env = { NUMBER: 5 as unknown as string };
    Object.defineProperty(env, 'THROWS', { get: () => expect.fail('canary') });
    expect(issuesOf(() => reply('${NUMBER:-x} ${NUMBER}', env))).toEqual([
      'providers.p.reply: refers to ${NUMBER}, a variable that is no text',
    ]);
    expect(issuesOf(() => reply('${THROWS:-x}', env))).toEqual([
      'providers.p.reply: refers to ${THROWS}, a variable that could not be read',
    ]);
  });

  test('name no property of the table that is none of its variables', () => {
    expect(reply('${constructor:-otherwise}')).toBe('otherwise');
    expect(issuesOf(() => reply('${constructor} ${__proto__}'))).toHaveLength(2);
    expect(reply('${toString}', Object.assign(Object.create(null) as Record<string, string>, { toString: 'own' }))).toBe('own');
  });
});

describe('keys that are written out', () => {
  const warnings = (document: unknown, env = {}): string[] =>
    load(document, env).warnings.map(({ path, message }) => `${path}: ${message}`);

  test('are warned of, with the variable to use', () => {
    const headers = { Authorization: 'Bearer canary', 'x-other': 'canary' };
    const providers = {
      o: { type: 'openai', apiKey: 'canary' },
      v: { type: 'vllm', headers },
      t: { type: 'together', apiKey: '$${canary' },
    };
    expect(warnings(text({ providers }))).toMatchInlineSnapshot(`
      [
        "JSON:5:17 providers.o.apiKey: is written out; write \${OPENAI_API_KEY} for it and set that variable, so that the file holds no secret",
        "JSON:10:26 providers.v.headers.Authorization: is written out; write \${NAME} for it and set that variable, so that the file holds no secret",
        "JSON:16:17 providers.t.apiKey: is written out; write \${TOGETHER_API_KEY} for it and set that variable, so that the file holds no secret",
      ]
    `);
  });

  test.each([
    'Authorization',
    'proxy-authorization',
    'Cookie',
    'api-key',
    'X-Api-Key',
    'x-goog-api-key',
    'Ocp-Apim-Subscription-Key',
    'x-auth-token',
    'X-Amz-Security-Token',
    'x-access-key',
    'cf-access-client-secret',
    'x-password',
    'apikey',
    'x-auth',
    'x-jwt',
  ])('are warned of in the header %s', (name) => {
    const warned = (value: string): string[] => warnings({ providers: { v: { type: 'vllm', headers: { [name]: value } } } }, { K: 'k' });
    expect(warned('canary')).toEqual([expect.stringMatching(/^providers\.v\.headers\S+ is written out; write \$\{NAME\}/)]);
    expect(warned('${K}')).toEqual([]);
  });

  test.each(['x-author', 'x-max-tokens', 'x-cache-key', 'user-agent', 'openai-organization', 'x-request-id', 'x-tokenizer'])(
    'are not seen in the header %s',
    (name) => {
      expect(warnings({ providers: { v: { type: 'vllm', headers: { [name]: 'text' } } } })).toEqual([]);
    },
  );

  test.each([
    ['http://user:canary@box:8000', true],
    ['https://canary@box', true],
    ['https://:canary@box', true],
    ['http://${U}:canary@box', true],
    ['http://user:${P}@box', false],
    ['http://${U}:${P}@box', false],
    ['http://${U}@box', false],
    ['${URL}', false],
    ['http://box:8000/a@b', false],
    ['http://box:8000', false],
  ])('are warned of in an address: %s is one: %s', (url, isOne) => {
    const env = { U: 'user', P: 'canary', URL: 'http://user:canary@box' };
    expect(warnings({ providers: { v: { type: 'vllm', url } } }, env)).toEqual(
      isOne
        ? [
            'providers.v.url: holds a password that is written out; write ${NAME} for it and set that variable, so that the file holds no secret',
          ]
        : [],
    );
  });

  test('are none where a variable gives them', () => {
    expect(
      warnings(
        { providers: { o: { type: 'openai', apiKey: '${K}' }, v: { type: 'vllm', headers: { authorization: 'Bearer ${K}' } } } },
        { K: 'k' },
      ),
    ).toEqual([]);
  });
});

const withProvider = (fields: string): string => `{\n  "providers": {\n    "gpu": { "type": "ollama"${fields} }\n  }\n}`;

test('twenty and more bad inputs each say what is wrong, where, and what to do', () => {
  const inputs = [
    '',
    '[]',
    '{}',
    '{"providers": {}}',
    "{'providers': {}}",
    '{providers: {}}',
    '{"providers": {},}',
    '{"providers": {"gpu": {"type": "ollama"}}',
    '{\n  // my servers\n  "providers": {}\n}',
    '{"providers": {"gpu": {"type": "ollama"} "cpu": {"type": "ollama"}}}',
    '{"providers": {"cpu": {"type": "cpu", "modelPath": "C:\\models\\a.gguf"}}}',
    '{"providers": {"gpu": {"type": "ollama", "priority": 01}}}',
    '{"providers": {"gpu": {"type": "ollama", "enabled": True}}}',
    '{"providers": {"gpu": {"type": "ollama"}}}}',
    '{"providers": {"gpu": {"type": "ollama\n"}}}',
    '{"providers": {"gpu": {"type" "ollama"}}}',
    withProvider(', "baseUrl": "http://canary"'),
    withProvider(', "url": "canary"'),
    withProvider(', "url": "http://a", "url": "http://b"'),
    withProvider(', "apiKey": "${KEY}"'),
    withProvider(', "apiKey": "${EMPTY}"'),
    withProvider(', "apiKey": "${my-key}", "headers": {"a": "${"}'),
    withProvider(', "maxConcurrent": "${N}", "enabled": "${N}"'),
    withProvider(', "__proto__": {"url": "canary"}'),
    withProvider(', "timeouts": {"firstToken": 5}, "contextSize": 0'),
    '{"providers": {"own": {"type": "custom"}}, "transport": {}, "prices": null}',
    '{"$schema": 1, "providers": {"gpu": {"type": "olama"}}, "models": {"m": {"gpq": "x"}}, "defaultIntent": "fats"}',
    '{"providers": {"gpu": {"type": "ollama"}}, "priority": {"primary": "nvidia"}}',
    `${'['.repeat(40)}`,
  ];
  expect(
    inputs.map((input) => [
      input.slice(0, 90),
      ...issuesOf(() => fromJson(input, { env: { EMPTY: '', N: '4' }, source: '/home/canary/inferlane.json' })),
    ]),
  ).toMatchInlineSnapshot(`
    [
      [
        "",
        "inferlane.json:1:1: is no JSON from here on: there is nothing in it",
      ],
      [
        "[]",
        "inferlane.json:1:1: must be an object",
      ],
      [
        "{}",
        "inferlane.json:1:1 providers: is missing or empty: name at least one provider, like { gpu: { type: "ollama" } }",
      ],
      [
        "{"providers": {}}",
        "inferlane.json:1:15 providers: is missing or empty: name at least one provider, like { gpu: { type: "ollama" } }",
      ],
      [
        "{'providers': {}}",
        "inferlane.json:1:2: is no JSON from here on: a quote of another kind; names and texts stand in plain double quotes",
      ],
      [
        "{providers: {}}",
        "inferlane.json:1:2: is no JSON from here on: a name has to stand here, in double quotes",
      ],
      [
        "{"providers": {},}",
        "inferlane.json:1:17: is no JSON from here on: a comma with nothing behind it; take it out",
      ],
      [
        "{"providers": {"gpu": {"type": "ollama"}}",
        "inferlane.json:1:42: is no JSON from here on: it ends too early: a bracket is not closed",
      ],
      [
        "{
      // my servers
      "providers": {}
    }",
        "inferlane.json:2:3: is no JSON from here on: a comment, which JSON does not have; take it out",
      ],
      [
        "{"providers": {"gpu": {"type": "ollama"} "cpu": {"type": "ollama"}}}",
        "inferlane.json:1:42: is no JSON from here on: a comma or } is missing before this",
      ],
      [
        "{"providers": {"cpu": {"type": "cpu", "modelPath": "C:\\models\\a.gguf"}}}",
        "inferlane.json:1:55: is no JSON from here on: a backslash that means nothing here; write \\\\ for one, or / in a path",
      ],
      [
        "{"providers": {"gpu": {"type": "ollama", "priority": 01}}}",
        "inferlane.json:1:54: is no JSON from here on: a number in a form that JSON does not have; write it like 0.5, 10 or -3",
      ],
      [
        "{"providers": {"gpu": {"type": "ollama", "enabled": True}}}",
        "inferlane.json:1:53: is no JSON from here on: a word that JSON does not have; only true, false, null and numbers stand without double quotes",
      ],
      [
        "{"providers": {"gpu": {"type": "ollama"}}}}",
        "inferlane.json:1:43: is no JSON from here on: one bracket or comma too many",
      ],
      [
        "{"providers": {"gpu": {"type": "ollama
    "}}}",
        "inferlane.json:1:39: is no JSON from here on: a line end, a tab or a control character inside a text; write \\n or \\t, or close the quotes",
      ],
      [
        "{"providers": {"gpu": {"type" "ollama"}}}",
        "inferlane.json:1:31: is no JSON from here on: a colon is missing between a name and its value",
      ],
      [
        "{
      "providers": {
        "gpu": { "type": "ollama", "baseUrl": "http://canary" }
      }
    }",
        "inferlane.json:3:43 providers.gpu.baseUrl: unknown option "baseUrl"; did you mean "url"?",
      ],
      [
        "{
      "providers": {
        "gpu": { "type": "ollama", "url": "canary" }
      }
    }",
        "inferlane.json:3:39 providers.gpu.url: is no address; write it like http://127.0.0.1:11434",
      ],
      [
        "{
      "providers": {
        "gpu": { "type": "ollama", "url": "http://a", "url": "http://b" }
     ",
        "inferlane.json:3:58 providers.gpu.url: is there twice, and only the last one would count; take one of them out",
      ],
      [
        "{
      "providers": {
        "gpu": { "type": "ollama", "apiKey": "\${KEY}" }
      }
    }",
        "inferlane.json:3:42 providers.gpu.apiKey: refers to \${KEY}, a variable that is not set; set it, or write a default as \${NAME:-default}",
      ],
      [
        "{
      "providers": {
        "gpu": { "type": "ollama", "apiKey": "\${EMPTY}" }
      }
    }",
        "inferlane.json:3:42 providers.gpu.apiKey: refers to \${EMPTY}, a variable that is empty; give it a value, or write a default as \${NAME:-default}",
      ],
      [
        "{
      "providers": {
        "gpu": { "type": "ollama", "apiKey": "\${my-key}", "headers": {"a": ",
        "inferlane.json:3:42 providers.gpu.apiKey: holds \${ that begins no reference; write \${NAME} with letters, digits and _ only, or $\${ for the two signs themselves",
        "inferlane.json:3:72 providers.gpu.headers.a: holds \${ that begins no reference; write \${NAME} with letters, digits and _ only, or $\${ for the two signs themselves",
      ],
      [
        "{
      "providers": {
        "gpu": { "type": "ollama", "maxConcurrent": "\${N}", "enabled": "\${N",
        "inferlane.json:3:49 providers.gpu.maxConcurrent: must be a whole number from 1 to 1000000; its value is the text of \${N}",
        "inferlane.json:3:68 providers.gpu.enabled: must be true or false; its value is the text of \${N}",
      ],
      [
        "{
      "providers": {
        "gpu": { "type": "ollama", "__proto__": {"url": "canary"} }
      }
    }",
        "inferlane.json:3:45 providers.gpu.__proto__: the name "__proto__" is not allowed; choose another",
      ],
      [
        "{
      "providers": {
        "gpu": { "type": "ollama", "timeouts": {"firstToken": 5}, "contextS",
        "inferlane.json:3:59 providers.gpu.timeouts.firstToken: unknown option "firstToken"; did you mean "firstTokenMs"?",
        "inferlane.json:3:78 providers.gpu.contextSize: must be a whole number from 1 to 100000000",
      ],
      [
        "{"providers": {"own": {"type": "custom"}}, "transport": {}, "prices": null}",
        "inferlane.json:1:23 providers.own: needs an adapter, which is code and cannot stand in JSON; add this provider in code",
        "inferlane.json:1:57 transport: cannot stand in JSON, because it is made of functions; give it in code: createRouter({ ...options, transport })",
        "inferlane.json:1:71 prices: cannot stand in JSON, because it is made of functions; give it in code: createRouter({ ...options, prices: await loadPrices() })",
      ],
      [
        "{"$schema": 1, "providers": {"gpu": {"type": "olama"}}, "models": {"m": {"gpq": "x"}}, "de",
        "inferlane.json:1:13 $schema: must be text",
        "inferlane.json:1:46 providers.gpu.type: must be one of ollama, vllm, llamacpp, tgi, textgen, sglang, lmstudio, nvidia, remote-gpu, tei, openai, anthropic, huggingface, together, openai-compatible, cpu, stub, custom; did you mean "ollama"?",
        "inferlane.json:1:81 models.m.gpq: there is no provider with this id; did you mean "gpu"?",
        "inferlane.json:1:105 defaultIntent: must be one of "fast", "heavy"; did you mean "fast"?",
      ],
      [
        "{"providers": {"gpu": {"type": "ollama"}}, "priority": {"primary": "nvidia"}}",
        "inferlane.json:1:56 priority: belongs to the format of priority, nvidia, together_ai and cpu, which has no providers; keep one of the two formats",
      ],
      [
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        "inferlane.json:1:33: is no JSON from here on: nested more than 32 levels deep",
      ],
    ]
  `);
  expect(inputs.length).toBeGreaterThanOrEqual(20);
});

test('what is missing is looked for where it would stand', () => {
  const document = { maxAttempts: 3, providers: { own: { type: 'openai-compatible' } } };
  expect(issuesOf(() => fromJson(text(document), { source: 'a.json' }))[0]).toMatch(/^a\.json:4:12 providers\.own\.url: is missing/);
});

test('values that are not out of JSON are refused where they cannot be options', () => {
  expect(issuesOf(() => load({ providers: { p: { type: 'vllm', apiKey: () => 'canary' } } }))).toEqual([
    'providers.p.apiKey: is a function, which JSON does not have; give it in code',
  ]);
  const adapter = { name: 'own', chat: () => 'canary' };
  expect(issuesOf(() => load({ providers: { own: { type: 'custom', adapter } } }))).toEqual([
    'providers.own: needs an adapter, which is code and cannot stand in JSON; add this provider in code',
  ]);
  for (const value of [undefined, null, 5, [], new Map()]) expect(issuesOf(() => load(value))).toEqual([': must be an object']);
  expect(issuesOf(() => fromJson({}, { source: 'given' }))[0]).toMatch(/^given providers: /);
});

describe('files that are none', () => {
  test('are refused with what to do, and without their folder', async () => {
    mkdirSync(join(folder, 'sub.json'));
    const paths = [
      join(folder, 'none.json'),
      join(put('plain.json', '{}'), 'inner.json'),
      join(folder, 'sub.json'),
      '/dev/zero',
      put('utf16.json', new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0])),
      put('large.json', ' '.repeat(1_048_577)),
      join(folder, 'config.ts'),
      join(folder, 'config.mjs'),
      join(folder, 'config.yaml'),
      join(folder, '.env'),
      'https://example.com/canary/config.json',
      '',
      join(folder, 'nul\0.json'),
    ];
    const found = await Promise.all(paths.map(issuesOfFile));
    expect(found.flat()).toMatchInlineSnapshot(`
      [
        "none.json: does not exist; a relative path begins at the folder in which the process was started",
        "inner.json: does not exist; a relative path begins at the folder in which the process was started",
        "sub.json: is a folder; give the path of a JSON file",
        "zero: is no regular file; give the path of a JSON file",
        "utf16.json: is not in UTF-8; save it in that encoding",
        "large.json: is larger than 1 MiB, so it is hardly a configuration; check the path",
        "config.ts: is a program, and no configuration file is run; import it in your code, and pass what it exports to createRouter()",
        "config.mjs: is a program, and no configuration file is run; import it in your code, and pass what it exports to createRouter()",
        "config.yaml: is not JSON but YAML; read it with a library of your choice, and pass the value to fromJson()",
        ".env: holds variables and no JSON; load it with node --env-file, and use fromEnv(process.env)",
        "config.json: is no file of this machine; fetch it yourself, and pass the text to fromJson()",
        ": fromFile() needs the path of a JSON file",
        "nul?.json: could not be read",
      ]
    `);
    expect(found.flat().join('\n')).not.toContain('canary');
    expect(await issuesOfFile(new URL('https://example.com/config.json'))).toHaveLength(1);
    expect(await issuesOfFile(5 as unknown as string)).toHaveLength(1);
  });

  test('are large only above 1 MiB', async () => {
    expect(await fromFile(put('full.json', text(pair).padEnd(1_048_576)))).toEqual(pair);
    expect(issuesOf(() => load(text(pair).padEnd(1_048_577)))).toEqual(['JSON: is longer than 1048576 characters']);
  });
});

test('whatever the text is, it is options that resolve or a ConfigError that shows no value', () => {
  const canary = 'canary-7f3a';
  const names = fc.constantFrom(
    'providers',
    'priority',
    'nvidia',
    'together_ai',
    'cpu',
    'p',
    'type',
    'url',
    'apiKey',
    'api_key',
    'enabled',
    'primary',
    'headers',
    '$schema',
    '__proto__',
  );
  const leaf = fc.constantFrom(
    canary,
    `\${${'K'}}`,
    '${',
    '${MISSING}',
    'ollama',
    'together_ai',
    `http://u:${canary}@h?${canary}`,
    1,
    true,
    null,
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'medium' },
      leaf,
      fc.array(tie('tree'), { maxLength: 2 }),
      fc.dictionary(names, tie('tree'), { maxKeys: 5 }),
    ),
  }));
  fc.assert(
    fc.property(tree, fc.boolean(), (value, isText) => {
      const told = issuesOf(() => resolveConfig(fromJson(isText ? (JSON.stringify(value) ?? '') : value, { env: { K: canary } })));
      expect(told.join('\n')).not.toContain(canary);
    }),
    { numRuns: 2_000 },
  );
});

describe('the guide', () => {
  const guide = readFileSync(new URL('../../docs/guides/configuration.md', import.meta.url), 'utf8');
  const blockOf = (kind: string): string => new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(guide)?.[1] ?? '';

  test('shows a file that loads', () => {
    const options = load(blockOf('json own'), { OPENAI_API_KEY: 'k' });
    expect(Object.keys(options.providers)).toEqual(['gpu', 'cpu', 'openai']);
    expect([options.warnings, resolveConfig(options).warnings]).toEqual([[], []]);
  });

  test('shows the message of a file with mistakes', () => {
    const mistaken = `{
  "providers": {
    "gpu": { "type": "ollama", "url": "gpu-box" },
    "openai": { "type": "openai", "apiKey": "\${OPENAI_KEY}" }
  },
  "maxAttemts": 2
}`;
    expect(() => fromJson(mistaken, { env: {}, source: 'inferlane.json' })).toThrow(blockOf('text').trimEnd());
  });
});
