import { describe, expect, test } from 'vitest';
import { remoteGpu } from '../../src/adapters/remote-gpu.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { adapterContext, noOptions } from '../_kit/adapter-context.ts';
import { loopback, type Loopback, type Script } from '../_kit/loopback.ts';
import { scriptedHttp } from '../_kit/scripted-http.ts';

const { signal } = new AbortController();
const call = (own: AbortSignal = signal): Call<ChatRequest> => ({
  request: { messages: [{ role: 'user', content: 'Once' }] },
  model: 'm',
  signal: own,
  requestId: 'r1',
});

const json = (value: unknown): Script => ({ pieces: [JSON.stringify(value)] });
const missing: Script = { status: 404, pieces: ['{"detail":"Not Found"}'] };
const tgiEvent = { index: 1, token: { id: 1, text: 'tgi', special: false }, generated_text: 'tgi', details: null };

type Table = Readonly<Record<string, Script>>;
const notebookTable: Table = { '/generate': json({ content: 'notebook' }), '/health': json({ status: 'healthy', model: 'gpt2' }) };
const proxyTable: Table = {
  '/generate': json({ generated_text: 'proxy', model_id: 'm' }),
  '/models': json([{ id: 'm', name: 'M', hf_name: 'gpt2', endpoint: 'http://localhost:8080', available: true }]),
};
const tgiTable: Table = {
  '/generate_stream': { headers: { 'content-type': 'text/event-stream' }, pieces: [`data:${JSON.stringify(tgiEvent)}\n\n`] },
  '/info': json({ model_id: 'gpt2', max_total_tokens: 2048, router: 'text-generation-router' }),
};

const serve = (table: Table): Promise<Loopback> => loopback(({ path }) => table[path] ?? missing);
const pathsOf = ({ requests }: Loopback): string[] => requests.map(({ path }) => path);
const connect = ({ url }: { readonly url: string }): Adapter => remoteGpu(adapterContext(url, 'remote-gpu'));
const textOf = async (adapter: Adapter, own?: AbortSignal): Promise<unknown> => (await adapter.chat(call(own))).choices[0]?.message.content;

describe('a server of which nothing is known', () => {
  test.each<[string, Table, string[]]>([
    ['notebook', notebookTable, ['/info', '/models', '/generate', '/generate']],
    ['proxy', proxyTable, ['/info', '/models', '/generate', '/generate']],
    ['tgi', tgiTable, ['/info', '/generate_stream', '/generate_stream']],
  ])('is asked once, and spoken to as %s', async (name, table, paths) => {
    await using box = await serve(table);
    const adapter = connect(box);
    expect([await textOf(adapter), await textOf(adapter)]).toEqual([name, name]);
    expect(pathsOf(box)).toEqual(paths);
  });

  test.each<[string, Table, unknown]>([
    ['notebook', notebookTable, [{ id: 'gpt2' }]],
    ['proxy', proxyTable, [{ id: 'm' }]],
    ['tgi', tgiTable, [{ id: 'gpt2', contextLength: 2048 }]],
  ])('has the models and the health of a %s', async (_name, table, models) => {
    await using box = await serve({ '/health': { pieces: [] }, ...table });
    const adapter = connect(box);
    expect([await adapter.models!(signal), await adapter.health!(signal)]).toEqual([models, { state: 'ok' }]);
  });

  test.each<[string, Script]>([
    ['an /info without a router but with the window of a model', json({ model_id: 'gpt2', max_total_tokens: 2048 })],
    ['an /info with a router', json({ router: 'text-generation-router' })],
  ])('is TGI with %s', async (_what, info) => {
    await using box = await serve({ ...tgiTable, '/info': info });
    expect(await textOf(connect(box))).toBe('tgi');
  });

  test.each<[string, Table]>([
    ['an /info of its own', { '/info': json({ model: 'gpt2' }) }],
    ['a list of models that says nothing of endpoints', { '/models': json([{ id: 'm' }]) }],
    ["OpenAI's list of models", { '/models': json({ object: 'list', data: [{ id: 'm' }] }) }],
    ['paths that refuse a GET', { '/info': { status: 405, pieces: ['{"detail":"Method Not Allowed"}'] } }],
    ['text instead of JSON', { '/info': { pieces: ['hello'] } }],
    ['web pages for paths that are not there', { '/info': { status: 404, headers: { 'content-type': 'text/html' }, pieces: ['<html>'] } }],
  ])('is a notebook with %s', async (_what, table) => {
    await using box = await serve({ ...notebookTable, ...table });
    expect(await textOf(connect(box))).toBe('notebook');
  });

  test.each<[string, Script, string]>([
    ['a tunnel that is offline', { status: 404, headers: { 'ngrok-error-code': 'ERR_NGROK_3200' }, pieces: ['offline'] }, 'unavailable'],
    ['a tunnel without a server', { status: 502, headers: { 'content-type': 'text/html' }, pieces: ['<html>'] }, 'unavailable'],
    [
      'a warning page',
      { headers: { 'content-type': 'text/html', 'ngrok-error-code': 'ERR_NGROK_6024' }, pieces: ['<html>'] },
      'bad_response',
    ],
    ['a server that fails', { status: 500, pieces: ['Internal Server Error'] }, 'unavailable'],
    ['a server that is starting', { status: 503, pieces: ['{"error":"starting"}'] }, 'overloaded'],
    ['a refused key', { status: 401, pieces: ['{"detail":"Unauthorized"}'] }, 'auth'],
    ['a broken connection', { pieces: ['{'], after: 'cut' }, 'unavailable'],
  ])('is not taken for a notebook where there is only %s, and is asked again', async (_what, script, code) => {
    let isUp = false;
    await using box = await loopback(({ path }) => (isUp ? (tgiTable[path] ?? missing) : script));
    const adapter = connect(box);
    await expect(textOf(adapter)).rejects.toMatchObject({ code, provider: 'box' });
    expect(pathsOf(box)).not.toContain('/generate');
    isUp = true;
    expect(await textOf(adapter)).toBe('tgi');
  });

  test('that is not there at all is unavailable', async () => {
    const box = await serve({});
    await box[Symbol.asyncDispose]();
    await expect(textOf(connect(box))).rejects.toMatchObject({ code: 'unavailable', phase: 'connect' });
  });

  test('is asked again once its route is gone: behind a tunnel may be another server', async () => {
    let table = notebookTable;
    await using box = await loopback(({ path }) => table[path] ?? missing);
    const adapter = connect(box);
    expect(await textOf(adapter)).toBe('notebook');
    table = tgiTable;
    await expect(textOf(adapter)).rejects.toMatchObject({ status: 404 });
    expect(await textOf(adapter)).toBe('tgi');
  });

  test('promises no more than a notebook can, and a declared TGI more', () => {
    const at = { url: 'http://127.0.0.1:9' };
    const tgi = remoteGpu(adapterContext(at.url, 'remote-gpu', { dialect: 'tgi' }));
    expect([connect(at).capabilities.jsonSchema, tgi.capabilities.jsonSchema]).toEqual([false, true]);
    expect(connect(at).ignores).toEqual(remoteGpu(adapterContext(at.url, 'remote-gpu', { dialect: 'notebook' })).ignores);
    expect([connect(at).modelName, tgi.modelName]).toEqual(['ignored', 'ignored']);
  });
});

describe('callers that ask together', () => {
  /** A TGI server whose `/info` waits until it is let go; `probes` are the signals it was asked with. */
  const slowServer = () => {
    const probes: AbortSignal[] = [];
    const releases: (() => void)[] = [];
    const { provider, http } = scriptedHttp({ '/generate_stream': `data:${JSON.stringify(tgiEvent)}\n\n` });
    const getJson: HttpClient['getJson'] = (_path, own) => {
      probes.push(own);
      // Slow to notice an abort, as a transport may be.
      return new Promise((resolve) => releases.push(() => resolve({ router: 'text-generation-router' })));
    };
    const adapter = remoteGpu({ ...noOptions, provider, http: { ...http, getJson } });
    return { adapter, probes, release: (): void => releases.forEach((go) => go()) };
  };

  test('share one probe', async () => {
    const { adapter, probes, release } = slowServer();
    const texts = Promise.all([textOf(adapter), textOf(adapter), textOf(adapter)]);
    release();
    expect([await texts, probes.length]).toEqual([['tgi', 'tgi', 'tgi'], 1]);
  });

  test('leave it alone: the abort of one is nothing to the others', async () => {
    const { adapter, probes, release } = slowServer();
    const first = new AbortController();
    const reason = new Error('enough');
    const left = textOf(adapter, first.signal);
    const stays = textOf(adapter);
    first.abort(reason);
    await expect(left).rejects.toBe(reason);
    release();
    expect([await stays, probes.length]).toEqual(['tgi', 1]);
  });

  test('end it with the last of them, and the next one begins anew', async () => {
    const { adapter, probes, release } = slowServer();
    const only = new AbortController();
    const left = textOf(adapter, only.signal);
    only.abort(new Error('enough'));
    await expect(left).rejects.toThrow('enough');
    expect(probes.map(({ aborted }) => aborted)).toEqual([true]);
    const next = textOf(adapter);
    release();
    expect([await next, probes.length]).toEqual(['tgi', 2]);
  });

  test('one that was aborted before it asked asks nothing', async () => {
    const { adapter, probes } = slowServer();
    await expect(textOf(adapter, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(probes.every(({ aborted }) => aborted)).toBe(true);
  });
});
