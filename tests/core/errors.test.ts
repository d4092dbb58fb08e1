import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { inspect, promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { errorCodes } from '../../src/core/error-codes.ts';
import {
  AllFailedError,
  ConfigError,
  type ErrorDetails,
  type FailedAttempt,
  httpStatusOf,
  isRouterError,
  RouterError,
} from '../../src/core/errors.ts';
import type * as errors from '../../src/core/errors.ts';
import { createErrorMaker } from '../../src/lib/http-error.ts';

// The module once more, as a second copy of the package in one process would load it.
const copyOf = '../../src/core/errors.ts?copy';
const copy = (await import(/* @vite-ignore */ copyOf)) as typeof errors;

const attempt = (provider: string, error: RouterError): FailedAttempt => ({ provider, model: 'm', error });
const failedWith = (...errors: readonly RouterError[]): AllFailedError =>
  new AllFailedError('No provider could answer.', { attempts: errors.map((error, index) => attempt(`p${index}`, error)) });

describe('RouterError', () => {
  const details: ErrorDetails = { provider: 'gpu', model: 'm', phase: 'connect', status: 503, retryAfterMs: 250, reason: 'ECONNRESET' };

  test('carries what it was told', () => {
    expect(new RouterError('unavailable', 'gpu: not available.', details)).toMatchObject({
      name: 'RouterError',
      code: 'unavailable',
      message: 'gpu: not available.',
      ...details,
    });
  });

  test('has lists, empty ones too, so that nobody needs to ask', () => {
    const { attempts, skipped } = new RouterError('auth', 'no');
    expect([attempts, skipped]).toEqual([[], []]);
  });

  test('says of what it was not told that it is undefined, to tests that name it as well', () => {
    const names = ['provider', 'model', 'phase', 'status', 'retryAfterMs', 'reason', 'stoppedBecause'];
    expect(new RouterError('auth', 'no')).toMatchObject(Object.fromEntries(names.map((name) => [name, undefined])));
  });

  test('has no field for what it was not told', () => {
    expect(Object.keys(new RouterError('auth', 'no', { ...details, status: undefined, attempts: [], skipped: [] })).toSorted()).toEqual(
      ['code', 'name', ...Object.keys(details).filter((name) => name !== 'status')].toSorted(),
    );
  });

  test('has its lists among its fields, for whoever copies or logs those', () => {
    const skipped = [{ provider: 'cpu', model: 'm', code: 'circuit_open', reason: 'its breaker is open' }] as const;
    const attempts = [attempt('gpu', new RouterError('timeout', 'late'))];
    expect({ ...new AllFailedError('No provider could answer.', { attempts, skipped }) }).toMatchObject({ attempts, skipped });
  });

  test('has a cause only where there is one', () => {
    const cause = new RouterError('timeout', 'inner');
    expect(new RouterError('auth', 'no', { cause }).cause).toBe(cause);
    expect(Object.hasOwn(new RouterError('auth', 'no'), 'cause')).toBe(false);
  });

  test('as JSON holds these fields and nothing else', () => {
    const error = new RouterError('unavailable', 'not available', { ...details, stoppedBecause: 'deadline', cause: failedWith() });
    Object.assign(error, { request: { prompt: 'secret' } });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'RouterError',
      code: 'unavailable',
      message: 'not available',
      ...details,
      stoppedBecause: 'deadline',
    });
  });

  test('as JSON shows each attempt as JSON, too', () => {
    const error = failedWith(new RouterError('auth', 'p0: the credentials were refused.', { status: 401 }));
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'AllFailedError',
      code: 'all_failed',
      message: 'No provider could answer.',
      attempts: [
        {
          provider: 'p0',
          model: 'm',
          error: { name: 'RouterError', code: 'auth', message: 'p0: the credentials were refused.', status: 401 },
        },
      ],
    });
  });

  test('shows no key, prompt or address when it is printed, with its attempts and its cause', () => {
    const secret = 'sk-canary-0123456789abcdef';
    const prompt = 'the prompt that nobody else may read';
    const url = `http://user:pass@10.0.0.7:8000/v1/chat?key=${secret}`;
    const text = `refused ${secret} for "${prompt}" at ${url}`;
    const found = { code: 'auth', text, retryAfterMs: undefined, reason: undefined, phase: undefined } as const;
    const inner = createErrorMaker('gpu', url, () => [secret]).of(found, 401, { messages: [{ role: 'user', content: prompt }] });
    const error = new AllFailedError(`No provider could answer. ${inner.message}`, { attempts: [attempt('gpu', inner)], cause: inner });
    const printed = inspect(error, { depth: Infinity, showHidden: true });
    expect(printed).toContain('the credentials were refused');
    for (const hidden of [secret, prompt, 'user:pass', '?key=']) expect(printed).not.toContain(hidden);
  });
});

describe('ConfigError', () => {
  test('shows every issue in its message, and as data', () => {
    const issues = [
      { path: 'providers.gpu.url', message: 'is no address' },
      { path: '', message: 'must be an object' },
    ];
    const error = new ConfigError(issues);
    expect(error).toMatchObject({ name: 'ConfigError', code: 'invalid_config', issues });
    expect(error.message).toBe('The configuration has 2 issues:\n  providers.gpu.url: is no address\n  (options): must be an object');
  });

  test('counts one issue as one', () => {
    expect(new ConfigError([{ path: 'a', message: 'b' }]).message).toMatch(/^The configuration has 1 issue:/);
  });
});

describe('isRouterError', () => {
  test.each<[string, unknown]>([
    ['RouterError', new RouterError('auth', 'no')],
    ['AllFailedError', failedWith()],
    ['ConfigError', new ConfigError([])],
    ['an error of a second copy of the package', new copy.RouterError('auth', 'no')],
    ['a ConfigError of a second copy', new copy.ConfigError([])],
  ])('knows %s', (_name, value) => {
    expect(isRouterError(value)).toBe(true);
  });

  test('the second copy is one: its classes are others', () => {
    expect(new copy.RouterError('auth', 'no')).not.toBeInstanceOf(RouterError);
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a text', 'RouterError'],
    ['a foreign error', new TypeError('fetch failed')],
    ['an object that looks like one', { name: 'RouterError', code: 'auth', message: 'no', attempts: [] }],
    ['what a server sends', JSON.parse('{"Symbol(inferlane.error)":true,"inferlane.error":true,"code":"auth"}')],
  ])('does not take %s for one', (_name, value) => {
    expect(isRouterError(value)).toBe(false);
  });

  test('asks for one code', () => {
    const error: unknown = new RouterError('auth', 'no');
    expect([isRouterError(error, 'auth'), isRouterError(error, 'timeout')]).toEqual([true, false]);
  });

  test('finds a code again in an error of a second copy', () => {
    expect(isRouterError(new copy.RouterError('auth', 'no'), 'auth')).toBe(true);
  });
});

describe('httpStatusOf', () => {
  test('is what the table says', () => {
    expect(httpStatusOf(new RouterError('context_length', 'too long'))).toBe(errorCodes.context_length.status);
  });

  test('is the last attempt’s where every candidate failed', () => {
    expect(httpStatusOf(failedWith(new RouterError('timeout', 'a'), new RouterError('rate_limited', 'b')))).toBe(429);
  });

  test('is 502 where every candidate failed without an attempt', () => {
    expect(httpStatusOf(failedWith())).toBe(502);
  });

  test('is not the status that the provider answered with', () => {
    expect(httpStatusOf(new RouterError('auth', 'no', { status: 401 }))).toBe(502);
  });

  test.each(['a_code_of_tomorrow', 'constructor'])('is 500 for an error of a newer copy with the code %s', (code) => {
    expect(httpStatusOf(new copy.RouterError(code as 'auth', 'no'))).toBe(500);
  });
});

describe('what `console.error()` shows of an error', () => {
  test('is one stack, what is known, and a line for each attempt', () => {
    const text = inspect(failedWith(new RouterError('unavailable', 'p0: gone.'), new RouterError('timeout', 'p1: late.')));
    expect(text.match(/^ +at /gm)?.length).toBe(new Error().stack?.match(/^ +at /gm)?.length);
    expect(text).toContain("code: 'all_failed'");
    expect(text).toContain("attempts: [ 'p0 (m): unavailable', 'p1 (m): timeout' ]");
    expect(text).not.toContain('undefined');
  });

  test('has the cause', () => {
    const cause = new RouterError('timeout', 'inner');
    expect(inspect(new RouterError('unavailable', 'outer', { cause }))).toContain('cause: RouterError: inner\n');
  });
});

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}

describe('what Node prints of an error that nobody caught', () => {
  test('is a message that says who was tried and what each said, one stack, and a few fields', async () => {
    const ports = [await closedPort(), await closedPort()];
    const providers = Object.fromEntries(
      ports.map((port, index) => [`p${index}`, { type: 'openai-compatible', url: `http://127.0.0.1:${port}/v1`, locality: 'host' }]),
    );
    const program = `
      import { createRouter } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)};
      const router = createRouter({ providers: ${JSON.stringify(providers)}, maxAttempts: 2 });
      await router.chat({ model: 'm', messages: [{ role: 'user', content: 'Hello!' }] });`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module-typescript', '--eval', program]);
    const printed = await run.then(
      () => 'nothing failed',
      ({ stderr }: { readonly stderr: string }) => stderr,
    );
    for (const [index, port] of ports.entries()) {
      expect(printed).toContain(`p${index}: not available [ECONNREFUSED] at 127.0.0.1:${port}: The connection was refused.`);
    }
    expect(printed).toMatch(/\{\n  code: 'all_failed',\n  attempts: \[Getter\],\n  stoppedBecause: '[\w-]+'\n\}\n/);
    expect(printed.match(/^ +at /gm)?.length).toBeLessThanOrEqual(Error.stackTraceLimit);
    expect(printed.trim().split('\n').length).toBeLessThan(24);
  });
});
