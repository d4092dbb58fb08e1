import { describe, expect, test } from 'vitest';
import { Stop } from '../../src/cli/io.ts';
import {
  cutAfter,
  inWrites,
  modelMissing,
  models,
  outOfMemory,
  reply,
  stallAfter,
  toolCall,
  unauthorized,
} from '../../src/testing/index.ts';
import { deadUrl, folderWith, run, server } from './cli-kit.ts';

const well = models(['llama3.1:8b', 'nomic-embed-text']);
const ollama = (url: string): object => ({ type: 'ollama', url, defaultModel: 'llama3.1:8b', embeddingModel: 'nomic-embed-text' });

describe('chat', () => {
  test('prints the answer piece by piece, as it comes', async () => {
    const gpu = await server('ollama', [well, reply('One two three.')]);
    const pieces: string[] = [];
    const { code, out, err } = await run(['chat', 'Count'], {
      folder: folderWith({ providers: { gpu: ollama(gpu.url) } }),
      onOut: (text) => void pieces.push(text),
    });
    expect({ code, out, err }).toEqual({ code: 0, out: 'One two three.\n', err: '' });
    expect(pieces.length).toBeGreaterThan(2);
    expect(gpu.requests.map(({ verb }) => verb)).toEqual(['stream']);
  });

  test('sends what its options say', async () => {
    const gpu = await server('ollama', [well]);
    const cpu = await server('ollama', [well]);
    const folder = folderWith({
      providers: { gpu: ollama(gpu.url), cpu: { ...ollama(cpu.url), device: 'cpu' } },
      models: { small: { gpu: 'llama3.1:8b', cpu: 'nomic-embed-text' } },
    });
    const options = ['-s', 'Be short.', '-m', 'small', '-i', 'heavy', '--max-tokens', '7', '--temperature', '0.5'];
    await run(['chat', ...options, 'Hello', 'there'], { folder });
    expect(gpu.requests).toEqual([]);
    expect(cpu.calls[0]?.body).toMatchObject({
      model: 'nomic-embed-text',
      messages: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: 'Hello there' },
      ],
      options: { num_predict: 7, temperature: 0.5 },
    });
    await run(['chat', '--provider', 'gpu', 'Hi'], { folder });
    expect(gpu.calls).toHaveLength(1);
  });

  test.each([
    ['nothing is given', ['chat']],
    ['a dash is given', ['chat', '-']],
  ])('reads the standard input where %s', async (_where, argv) => {
    const gpu = await server('ollama', [well]);
    const folder = folderWith({ providers: { gpu: ollama(gpu.url) } });
    const bytes = new TextEncoder().encode('naïve\nlines');
    await run(argv, { folder, stdin: [bytes.slice(0, 3), bytes.slice(3)] });
    expect(gpu.calls[0]?.body).toMatchObject({ messages: [{ role: 'user', content: 'naïve\nlines' }] });
  });

  test('refuses an empty text, and one that no model could take', async () => {
    const folder = folderWith({ providers: { gpu: ollama(await deadUrl()) } });
    expect(await run(['chat'], { folder })).toMatchObject({ code: 2, err: expect.stringContaining('empty') as string });
    const piece = new Uint8Array(1024 * 1024).fill(97);
    expect(await run(['chat'], { folder, stdin: Array.from({ length: 17 }, () => piece) })).toMatchObject({
      code: 2,
      err: expect.stringContaining('16 MiB') as string,
    });
  });

  test('takes what a terminal would obey out of an answer, wherever it is cut', async () => {
    const gpu = await server('ollama', [well, inWrites('bytes', reply('Safe \u001b[31mred\u001b[0m \u001b]0;owned\u0007and sound'))]);
    const { out } = await run(['chat', 'Hi'], { folder: folderWith({ providers: { gpu: ollama(gpu.url) } }) });
    expect(out).toBe('Safe red and sound\n');
  });

  test('gives the whole answer with its route as JSON', async () => {
    const gpu = await server('ollama', [well, reply('Yes\u009b.')]);
    const { out } = await run(['chat', '--json', 'Hi'], { folder: folderWith({ providers: { gpu: ollama(gpu.url) } }) });
    expect(out).not.toContain('\u009b');
    expect(JSON.parse(out)).toMatchObject({ choices: [{ message: { content: 'Yes\u009b.' } }], route: { provider: 'gpu' } });
  });

  test('says on a terminal who answered, and who failed before', async () => {
    const gpu = await server('ollama', [well, outOfMemory()]);
    const cpu = await server('ollama', [well, reply('Hello.')]);
    const folder = folderWith({ providers: { gpu: ollama(gpu.url), cpu: { ...ollama(cpu.url), device: 'cpu' } } });
    const { out, err } = await run(['chat', 'Hi'], { folder, isTerminal: true, env: { NO_COLOR: '1' } });
    expect(out).toBe('Hello.\n');
    expect(err).toMatch(/^cpu \(llama3\.1:8b\) in .*; first word after .*; before that gpu \(out_of_memory\) failed\n$/);
  });

  test('says that a stand-in answered', async () => {
    const folder = folderWith({ providers: { gpu: ollama(await deadUrl()), last: { type: 'stub', reply: 'Later.' } } });
    expect(await run(['chat', 'Hi'], { folder })).toEqual({
      code: 0,
      out: 'Later.\n',
      err: 'note: this is a stand-in: no model could answer.\n',
    });
  });

  test('says what everybody failed with, and exits with 1', async () => {
    const gpu = await server('ollama', [well, outOfMemory()]);
    const providers = { gpu: ollama(gpu.url), gone: ollama(await deadUrl()), paid: { type: 'openai', apiKey: 'sk-0123456789' } };
    const { code, out, err } = await run(['chat', 'Hi'], { folder: folderWith({ providers, maxAttempts: 2 }) });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(
      /^note: .*apiKey.*\nerror: No provider could answer\.\n {2}gpu: out of memory.*\n {2}gone: not available.*\n {2}paid: not asked: costs money/,
    );
    expect(err).toContain('--provider names one');
  });

  test('says how a model is named where none is, or one that is not there', async () => {
    const gpu = await server('ollama', [well]);
    const folder = folderWith({ providers: { gpu: { type: 'ollama', url: gpu.url } } });
    const advice = /`inferlane models` shows .*--model names one\.\n.*LOCAL_MODEL_NAME .*"defaultModel" .*"embeddingModel".*\n$/;
    expect(await run(['chat', 'Hi'], { folder })).toMatchObject({ code: 1, err: expect.stringMatching(advice) as string });
    const without = await server('ollama', [models(['qwen3:4b']), modelMissing()]);
    const other = folderWith({ providers: { gpu: ollama(without.url) } });
    expect(await run(['chat', 'Hi'], { folder: other })).toMatchObject({ code: 1, err: expect.stringMatching(advice) as string });
    expect(await run(['embed', 'a'], { folder })).toMatchObject({ code: 1, err: expect.stringMatching(advice) as string });
  });

  test('ends the line and exits with 1 where a stream breaks', async () => {
    const gpu = await server('ollama', [well, cutAfter(2, 'fin', reply('One two three four.'))]);
    const { code, out, err } = await run(['chat', 'Hi'], { folder: folderWith({ providers: { gpu: ollama(gpu.url) } }) });
    expect(code).toBe(1);
    expect(out).toMatch(/^One.*\n$/);
    expect(err).toMatch(/^error: The answer broke off\. gpu: /);
  });

  test('says where an answer begins anew', async () => {
    const gpu = await server('ollama', [well, cutAfter(2, 'fin', reply('One two three four.'))]);
    const cpu = await server('ollama', [well, reply('Another.')]);
    const providers = { gpu: ollama(gpu.url), cpu: { ...ollama(cpu.url), device: 'cpu' } };
    const { code, out, err } = await run(['chat', 'Hi'], { folder: folderWith({ providers, onStreamFailure: 'restart' }) });
    expect(code).toBe(0);
    expect(out).toMatch(/^One.*\nAnother\.\n$/);
    expect(err).toBe('note: gpu broke off; cpu begins anew.\n');
  });

  test('is refused with 2 where it names somebody who is not there', async () => {
    const folder = folderWith({ providers: { gpu: ollama(await deadUrl()) } });
    expect(await run(['chat', '-p', 'gpux', 'Hi'], { folder })).toMatchObject({
      code: 2,
      err: expect.stringContaining('no provider "gpux"') as string,
    });
    expect(await run(['chat', '-i', 'slow', 'Hi'], { folder })).toMatchObject({
      code: 2,
      err: expect.stringContaining('no intent "slow"') as string,
    });
  });

  test('closes its connection and ends with 130 when it is interrupted', async () => {
    const gpu = await server('ollama', [well, stallAfter(2, reply('One two three four.'))]);
    const controller = new AbortController();
    const { code, out, err } = await run(['chat', 'Hi'], {
      folder: folderWith({ providers: { gpu: ollama(gpu.url) } }),
      signal: controller.signal,
      onOut: () => controller.abort(new Stop('SIGINT', 130)),
    });
    expect({ code, err }).toEqual({ code: 130, err: '' });
    expect(out).toMatch(/^One/);
    await expect.poll(() => gpu.aborted).toBe(1);
  });

  test('does not run ahead of whoever reads', async () => {
    const gpu = await server('ollama', [well, reply('word '.repeat(50))]);
    let isWriting = false;
    await run(['chat', 'Hi'], {
      folder: folderWith({ providers: { gpu: ollama(gpu.url) } }),
      onOut: async () => {
        expect(isWriting).toBe(false);
        isWriting = true;
        await new Promise((resolve) => setImmediate(resolve));
        isWriting = false;
      },
    });
  });

  test('waits for the standard input no longer than until it is interrupted', async () => {
    const controller = new AbortController();
    const never = (async function* (): AsyncGenerator<Uint8Array> {
      controller.abort(new Stop('SIGINT', 130));
      await new Promise(() => {});
      yield new Uint8Array();
    })();
    const { runCli } = await import('../../src/cli/run-cli.ts');
    const { systemClock } = await import('../../src/index.ts');
    const out = { isTerminal: false, columns: undefined, write: async (): Promise<void> => {} };
    const stdin = { isTerminal: false, pieces: never };
    const folder = folderWith({ providers: { gpu: ollama('http://127.0.0.1:11434') } });
    expect(
      await runCli(['chat'], { stdin, stdout: out, stderr: out, env: {}, folder, clock: systemClock, signal: controller.signal }),
    ).toBe(130);
  });

  test('an answer without text is no failure', async () => {
    const gpu = await server('openai-compatible', [toolCall('look')]);
    const folder = folderWith({ providers: { gpu: { type: 'openai-compatible', url: gpu.url } } });
    expect(await run(['chat', 'Hi'], { folder })).toMatchObject({ code: 0, out: '' });
  });
});

describe('embed', () => {
  test('tells of each text how its vector begins, and how close it is to the first', async () => {
    const gpu = await server('ollama', [well]);
    const folder = folderWith({ providers: { gpu: ollama(gpu.url) } });
    const { code, out } = await run(['embed', 'a cat', 'a dog', 'a cat'], { folder });
    expect(code).toBe(0);
    expect(out).toMatch(/^3 vectors of \d+ numbers from gpu \(nomic-embed-text\)\./);
    expect(out).toMatch(/\na cat .*…\na dog .*… +-?0\.\d{3}\na cat .*… +1\.000\n$/);
  });

  test('takes each line of the standard input for a text', async () => {
    const gpu = await server('ollama', [well]);
    const { out, err } = await run(['embed', '--json'], {
      folder: folderWith({ providers: { gpu: ollama(gpu.url) } }),
      stdin: ['one\r\ntw', 'o\n'],
    });
    expect(err).toBe('');
    expect(gpu.calls[0]?.body).toMatchObject({ input: ['one', 'two'] });
    expect(JSON.parse(out)).toMatchObject({ data: [{ index: 0 }, { index: 1 }], route: { provider: 'gpu' } });
  });

  test('keeps the place of an empty line, and says how many there are', async () => {
    const gpu = await server('ollama', [well]);
    const world = { folder: folderWith({ providers: { gpu: ollama(gpu.url) } }), stdin: ['\none\n \r\ntwo\n'] };
    const { code, out, err } = await run(['embed', '--json'], world);
    expect({ code, err }).toEqual({ code: 0, err: 'note: 2 lines are empty: null stands there.\n' });
    expect(gpu.calls[0]?.body).toMatchObject({ input: ['one', 'two'] });
    const { data } = JSON.parse(out) as { readonly data: readonly { readonly index: number; readonly embedding: unknown }[] };
    expect(data.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(data.map(({ embedding }) => embedding)).toEqual([null, expect.any(Array), null, expect.any(Array)]);
    const one = JSON.parse((await run(['embed', '--json', 'two'], { folder: world.folder })).out) as { readonly data: typeof data };
    expect(data[3]?.embedding).toEqual(one.data[0]?.embedding);
    expect((await run(['embed'], world)).err).toBe('note: 2 lines are empty: left out.\n');
  });

  test.each([
    [['embed', ''], 'Text 1 of 1 is empty'],
    [['embed', 'a', ' \n'], 'Text 2 of 2 is empty'],
  ])('refuses to send an empty text: %j', async (argv, message) => {
    const folder = folderWith({ providers: { gpu: ollama(await deadUrl()) } });
    expect(await run(argv, { folder })).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) as string });
  });
});

describe('explain', () => {
  test('says who would get a call, who would not and why, and who is down; nobody is asked', async () => {
    const gpu = await server('ollama', [well]);
    const providers = { gpu: ollama(gpu.url), gone: ollama(await deadUrl()), paid: { type: 'openai', apiKey: '${KEY}' } };
    const { code, out } = await run(['explain'], { folder: folderWith({ providers }), env: { KEY: 'sk-0123456789' } });
    expect(code).toBe(0);
    expect(out).toMatch(/1\. {2}gpu \(llama3\.1:8b\)/);
    expect(out).toMatch(/- {2}paid \(.*\) +costs money/);
    expect(out).toMatch(/They did not answer just now, so the call would go on to the next:\n {2}gone: not available/);
    expect(gpu.calls).toEqual([]);
  });

  test('says so where nobody that would get it answers', async () => {
    const { code, out } = await run(['explain'], { folder: folderWith({ providers: { gone: ollama(await deadUrl()) } }) });
    expect(code).toBe(0);
    expect(out).toMatch(/They did not answer just now, so nobody would answer:\n {2}gone: /);
  });

  test('exits with 1 where nobody would get it', async () => {
    const gpu = await server('ollama', [well]);
    const { code, out } = await run(['explain', '-m', 'nope'], { folder: folderWith({ providers: { gpu: ollama(gpu.url) } }) });
    expect(code).toBe(1);
    expect(out).toContain('it does not list "nope"');
  });

  test('explains a call for vectors, as JSON too', async () => {
    const gpu = await server('ollama', [well]);
    const { out } = await run(['explain', '--embed', '--json', 'a'], { folder: folderWith({ providers: { gpu: ollama(gpu.url) } }) });
    expect(JSON.parse(out)).toMatchObject({ verb: 'embed', candidates: [{ provider: 'gpu', model: 'nomic-embed-text' }] });
  });
});

describe('bench', () => {
  test('measures as many calls as it is told to, and one before', async () => {
    const gpu = await server('ollama', [well]);
    const folder = folderWith({ providers: { gpu: { ...ollama(gpu.url), maxConcurrent: 3 } } });
    const { code, out, err } = await run(['bench', '-n', '6', '-c', '3', '--max-tokens', '9', 'Hi'], { folder });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(gpu.calls).toHaveLength(7);
    expect(gpu.calls[0]?.body).toMatchObject({ options: { num_predict: 9 } });
    expect(out).toMatch(/^6 calls, 3 at once, in .*: 6 succeeded, 0 failed\.\nAnswered by gpu \(llama3\.1:8b\): 6\n/);
    expect(out).toMatch(/\ntime to first token .*\nwhole answer .*/);
  });

  test('says how many calls it made at once, and how many of them waited for others', async () => {
    const gpu = await server('ollama', [well]);
    const folder = folderWith({ providers: { gpu: { ...ollama(gpu.url), maxConcurrent: 1 } } });
    const { out } = await run(['bench', '-n', '3', '-c', '50', 'Hi'], { folder });
    expect(out).toMatch(/^3 calls, 3 at once, .*\n.*\nWaited for a free place at a provider \(maxConcurrent\): 2\./);
    expect(JSON.parse((await run(['bench', '-n', '2', '-c', '8', '--json'], { folder })).out)).toMatchObject({ concurrency: 2, waited: 1 });
    expect((await run(['bench', '-n', '2'], { folder })).out).not.toContain('Waited');
  });

  test('counts what failed, and exits with 1 where nothing succeeded', async () => {
    const folder = folderWith({ providers: { gone: ollama(await deadUrl()) }, maxAttempts: 1 });
    const { code, out } = await run(['bench', '-n', '2', '--json'], { folder });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      requests: 2,
      succeeded: 0,
      failures: [{ code: 'unavailable', count: expect.any(Number) as number }],
    });
  });

  test('says why the call before failed, after which nobody was asked', async () => {
    const cloud = await server('openai', unauthorized());
    const folder = folderWith({ providers: { cloud: { type: 'openai', url: cloud.url, apiKey: '${KEY}', defaultModel: 'gpt-5' } } });
    const { code, out } = await run(['bench', '-n', '2'], { folder, env: { KEY: 'sk-0123456789' } });
    expect(code).toBe(1);
    expect(out).toMatch(/\nFailed, before these, the call that is not counted\n {2}cloud: .*401/);
  });

  test('ends with 130 when it is interrupted', async () => {
    const gpu = await server('ollama', [well, stallAfter(1, reply('One two.'))]);
    const controller = new AbortController();
    const running = run(['bench', '-n', '2'], { folder: folderWith({ providers: { gpu: ollama(gpu.url) } }), signal: controller.signal });
    await expect.poll(() => gpu.calls.length).toBe(1);
    controller.abort(new Stop('SIGINT', 130));
    expect(await running).toEqual({ code: 130, out: '', err: '' });
    await expect.poll(() => gpu.aborted).toBe(1);
  });
});
