import { describe, expect, test } from 'vitest';
import { type HandlerOptions, handlerDefaults, resolveHandlerOptions } from '../../src/http/handler-options.ts';
import { ConfigError } from '../../src/index.ts';
import { adminToken, otherToken, token } from './handler-kit.ts';

const admin = { token: adminToken, options: { providers: {} } };

function issuesOf(options: HandlerOptions): readonly string[] {
  try {
    resolveHandlerOptions(options);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.issues.map(({ path }) => path);
  }
}

test('every gap is filled, and nothing is on that was not asked for', () => {
  const config = resolveHandlerOptions({});
  expect(config).toMatchObject(handlerDefaults);
  expect(config).toMatchObject({ tokens: [], authorize: undefined, admin: undefined, maxPerMinute: undefined, mayNamePaid: false });
  expect([...(config.hosts ?? [])]).toEqual(['localhost', '127.0.0.1', '[::1]']);
  expect([...config.origins]).toEqual([]);
  expect(Object.isFrozen(config)).toBe(true);
});

test.each<[string, HandlerOptions]>([
  ['two tokens', { tokens: [token, otherToken] }],
  ['a token of base64', { tokens: ['q83vEjRWeJCrze8SNFZ4kA=='] }],
  ['an own check', { authorize: () => 'ann' }],
  ['names and addresses', { hosts: ['gpu-box.lan', '10.0.0.7', '[fd00::7]', 'GPU.example.com'] }],
  ['any name, with a token', { hosts: 'any', tokens: [token] }],
  ['any name, with an own check', { hosts: 'any', authorize: () => 'ann' }],
  ['origins', { origins: ['https://app.example.com', 'http://localhost:3000'] }],
  ['a path', { basePath: '/llm/v1.2_x~y-z' }],
  ['an admin', { tokens: [token], admin }],
])('these are good: %s', (_, options) => {
  expect(issuesOf(options)).toEqual([]);
});

describe('refused are', () => {
  test.each(['', 'short', 'x'.repeat(16), 'abcabcabcabcabcabc', 'test-token-1234567890', 'changeme-1234567890', 'sk-1234567890abcdefgh'])(
    'tokens that anybody would guess: %j',
    (guess) => {
      expect(issuesOf({ tokens: [token, guess] })).toEqual(['tokens.1']);
      expect(issuesOf({ admin: { ...admin, token: guess } })).toEqual(['admin.token']);
    },
  );

  test.each(['Jp4kW9 tZq2x7LrAb', 'Jp4kW9,tZq2x7LrAb', 'Jp4kW9\ntZq2x7LrAb', 'Jp4kW9étZq2x7LrAb', `Jp4kW9tZq2x7LrAb\0`])(
    'tokens that no header carries: %j',
    (odd) => {
      expect(issuesOf({ tokens: [odd] })).toEqual(['tokens.0']);
    },
  );

  test('tokens that are none, one token for two callers, and one for caller and admin', () => {
    expect(issuesOf({ tokens: [undefined as unknown as string] })).toEqual(['tokens.0']);
    expect(issuesOf({ tokens: [token, token] })).toEqual(['tokens']);
    expect(issuesOf({ tokens: [adminToken], admin })).toEqual(['admin.token']);
    expect(issuesOf({ admin: { ...admin, token: 'Zr6Tq0-Lk2Wv9_Xs4Hb8N' } })).toEqual(['admin.token']);
    expect(issuesOf({ tokens: [token], authorize: () => 'ann' })).toEqual(['authorize']);
  });

  test('any name without a token', () => {
    expect(issuesOf({ hosts: 'any' })).toEqual(['hosts']);
    expect(issuesOf({ hosts: 'any', tokens: [] })).toEqual(['hosts']);
  });

  test.each(['', '*', '*.lan', 'http://box', 'box/', 'box:80', 'box lan', '.box', 'box.', '[::1', 'a@b', 'bö.lan'])(
    'hosts like %j',
    (host) => {
      expect(issuesOf({ hosts: [host] })).toEqual(['hosts.0']);
    },
  );

  test.each([
    '',
    '*',
    'null',
    'app.example.com',
    'https://app.example.com/',
    'https://*.example.com',
    'file://',
    'HTTPS://app.example.com',
    'https://a@b.com',
  ])('origins like %j', (origin) => {
    expect(issuesOf({ origins: [origin] })).toEqual(origin === 'https://*.example.com' ? [] : ['origins.0']);
  });

  test.each(['llm', '/', '/llm/', '//llm', '/a//b', '/..', '/a/../b', '/.', '/a b', '/a%2fb', '/{id}', '/a?b', '/a#b', 'http://x/llm'])(
    'paths like %j',
    (basePath) => {
      expect(issuesOf({ basePath })).toEqual(['basePath']);
    },
  );

  test.each(['maxBodyBytes', 'bodyTimeoutMs', 'writeTimeoutMs', 'maxConcurrent', 'maxConcurrentPerCaller', 'maxPerMinute'])(
    'figures of %s',
    (name) => {
      for (const figure of [0, -1, 1.5, Number.NaN, Infinity, '5', null]) expect(issuesOf({ [name]: figure })).toEqual([name]);
      expect(issuesOf({ [name]: 1 })).toEqual([]);
    },
  );
});

test('all issues are told at once, and none shows a token', () => {
  const secret = 'test-Zr6Tq0-Lk2Wv9';
  const bad: HandlerOptions = {
    tokens: [secret],
    hosts: ['*'],
    origins: ['*'],
    basePath: 'x',
    maxBodyBytes: 0,
    admin: { ...admin, token: secret },
  };
  const issues = ['tokens.0', 'hosts.0', 'origins.0', 'basePath', 'admin.token', 'admin.token', 'maxBodyBytes'];
  expect(issuesOf(bad)).toEqual(issues);
  expect(() => resolveHandlerOptions(bad)).toThrow(expect.objectContaining({ message: expect.not.stringContaining(secret) as string }));
});
