import { describe, expect, test } from 'vitest';
import { models, unauthorized } from '../../src/testing/index.ts';
import { deadUrl, folderWith, run, server } from './cli-kit.ts';

const ollama = (url: string, more: object = {}): object => ({ type: 'ollama', url, defaultModel: 'llama3.1:8b', ...more });
const well = models(['llama3.1:8b']);

describe('check', () => {
  test('shows who answers, who does not, and why', async () => {
    const gpu = await server('ollama', [well]);
    const folder = folderWith({ providers: { gpu: ollama(gpu.url), cpu: ollama(await deadUrl(), { device: 'cpu' }) } });
    const { code, out, err } = await run(['check'], { folder });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^2 providers from inferlane\.json: 1 is well\. Calls try them in this order:\n/);
    expect(out).toMatch(/gpu +ollama +gpu +free +ok +in \d.* 1 +\d+\.\d+\.\d+ +http:\/\/127\.0\.0\.1:\d+\n/);
    expect(out).toMatch(/cpu +ollama +cpu +free +down +http/);
    expect(out).toContain('cpu: not available [ECONNREFUSED]');
  });

  test('exits with 1 where nobody can serve', async () => {
    const folder = folderWith({ providers: { cpu: ollama(await deadUrl()) } });
    expect(await run(['check'], { folder })).toMatchObject({
      code: 1,
      out: expect.stringContaining('1 provider from inferlane.json: none is well') as string,
    });
  });

  test('does not count a stub beside real providers, and counts one that is alone', async () => {
    const beside = folderWith({ providers: { cpu: ollama(await deadUrl()), stub: { type: 'stub' } } });
    expect(await run(['check'], { folder: beside })).toMatchObject({ code: 1 });
    expect(await run(['check'], { folder: folderWith({ providers: { stub: { type: 'stub' } } }) })).toMatchObject({ code: 0 });
  });

  test('does not count a paid provider that nothing allows to pay', async () => {
    const cloud = await server('openai', [models(['gpt-5'])]);
    const paid = { type: 'openai', url: cloud.url, apiKey: '${OPENAI_API_KEY}', defaultModel: 'gpt-5' };
    const providers = { gone: ollama(await deadUrl()), paid };
    const env = { OPENAI_API_KEY: 'sk-0123456789' };
    const { code, out } = await run(['check'], { env, folder: folderWith({ providers }) });
    expect(out).toMatch(/paid +openai +cloud +paid +ok/);
    expect(code).toBe(1);
    expect(await run(['check'], { env, folder: folderWith({ providers, allowPaid: true }) })).toMatchObject({ code: 0 });
  });

  test('says that a server lacks the default model set for it', async () => {
    const gpu = await server('ollama', [models(['other:1b'])]);
    const { out } = await run(['check'], { folder: folderWith({ providers: { gpu: ollama(gpu.url) } }) });
    expect(out).toContain('gpu: it does not list llama3.1:8b, its default model');
  });

  test('asks nobody for an answer', async () => {
    const gpu = await server('ollama', [well]);
    await run(['check'], { folder: folderWith({ providers: { gpu: ollama(gpu.url) } }) });
    expect(gpu.calls).toEqual([]);
    expect(gpu.requests.length).toBeGreaterThan(0);
  });

  test('gives the report of the router as JSON', async () => {
    const gpu = await server('ollama', [well]);
    const { code, out } = await run(['check', '--json'], { folder: folderWith({ providers: { gpu: ollama(gpu.url) } }) });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      status: 'ok',
      providers: [{ provider: 'gpu', status: 'ok', models: [{ id: 'llama3.1:8b' }] }],
    });
  });

  test('gives it in the words of another system, with the same exit code', async () => {
    const folder = folderWith({ providers: { gpu: ollama(await deadUrl()) } });
    const { code, out } = await run(['check', '--view', 'pair-check'], { folder });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ gpu: { status: 'unhealthy', is_gpu: true } });
  });

  test('needs the name of a model for the view of one', async () => {
    const gpu = await server('ollama', [well]);
    const folder = folderWith({ providers: { gpu: ollama(gpu.url) } });
    const view = ['check', '--view', 'model-health'];
    expect(await run(view, { folder })).toMatchObject({ code: 2, out: '', err: expect.stringContaining('--model') as string });
    expect(await run([...view, '--model', 'nope'], { folder })).toMatchObject({
      code: 2,
      err: expect.stringContaining('inferlane models') as string,
    });
    expect(await run([...view, '--model', 'llama3.1:8b'], { folder })).toMatchObject({ code: 0 });
  });

  test('ends with the code of what interrupts it while it prints', async () => {
    const gpu = await server('ollama', [well]);
    const controller = new AbortController();
    const { Stop } = await import('../../src/cli/io.ts');
    const world = { folder: folderWith({ providers: { gpu: ollama(gpu.url) } }), signal: controller.signal };
    expect(await run(['check'], { ...world, onOut: () => controller.abort(new Stop('SIGTERM', 143)) })).toMatchObject({
      code: 143,
      err: '',
    });
  });

  test('ends at once when it is interrupted', async () => {
    const controller = new AbortController();
    const { Stop } = await import('../../src/cli/io.ts');
    controller.abort(new Stop('SIGINT', 130));
    const folder = folderWith({ providers: { gpu: ollama(await deadUrl()) } });
    expect(await run(['check'], { folder, signal: controller.signal })).toEqual({ code: 130, out: '', err: '' });
  });
});

describe('models', () => {
  test('lists who serves what, aliases first, and who gave no list', async () => {
    const gpu = await server('ollama', [models(['llama3.1:8b', 'nomic-embed-text:latest'])]);
    const cpu = await server('ollama', [models(['llama3.1:8b'])]);
    const providers = { gpu: ollama(gpu.url), cpu: ollama(cpu.url), gone: ollama(await deadUrl()) };
    const folder = folderWith({ providers, models: { small: { gpu: 'llama3.1:8b', cpu: 'llama3.1:8b' }, big: { gpu: 'llama3.1:70b' } } });
    const { code, out } = await run(['models'], { folder });
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines[0]).toMatch(/^MODEL +PARAMETERS +SIZE +SERVED BY$/);
    expect(lines[1]).toMatch(/^small \(alias\) .*gpu \(llama3\.1:8b\), cpu \(llama3\.1:8b\)$/);
    expect(lines[2]).toMatch(/^big \(alias\) +nobody: no provider lists it$/);
    expect(lines[3]).toMatch(/^nomic-embed-text .* gpu$/);
    expect(out).toContain('\n3 models at 2 providers.\ngone: not available');
  });

  test('lists those with a text in their names', async () => {
    const gpu = await server('ollama', [models(['llama3.1:8b', 'qwen3:4b'])]);
    const folder = folderWith({ providers: { gpu: ollama(gpu.url) } });
    expect((await run(['models', 'QWEN'], { folder })).out).not.toContain('llama');
    const json = JSON.parse((await run(['models', 'qwen', '--json'], { folder })).out) as object;
    expect(json).toMatchObject({ providers: [{ models: [{ id: 'qwen3:4b' }] }], models: [{ id: 'qwen3:4b' }] });
  });

  test('exits with 1 where nobody gives a list', async () => {
    const { code, out } = await run(['models'], { folder: folderWith({ providers: { gone: ollama(await deadUrl()) } }) });
    expect(code).toBe(1);
    expect(out).toContain('No model is listed.');
  });

  test('shows names without what a terminal would obey', async () => {
    const gpu = await server('ollama', [models(['evil\u001b]0;owned\u0007\u001b[31m:1b'])]);
    const { out } = await run(['models'], { folder: folderWith({ providers: { gpu: ollama(gpu.url) } }) });
    expect(out).toContain('evil:1b');
    expect(out).not.toMatch(/(?!\n)\p{Cc}/u);
  });
});

test('a refused key is told as such', async () => {
  const cloud = await server('openai', unauthorized());
  const folder = folderWith({
    providers: { cloud: { type: 'openai', url: cloud.url, apiKey: '${OPENAI_API_KEY}', defaultModel: 'gpt-5' } },
  });
  const { code, err } = await run(['chat', 'Hi'], { folder, env: { OPENAI_API_KEY: 'sk-verysecretverysecret' } });
  expect(code).toBe(1);
  expect(err).toMatch(/cloud: .*401/);
  expect(err).not.toContain('verysecret');
});
