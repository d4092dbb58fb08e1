import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { expect, onTestFinished } from 'vitest';
import { Stop } from '../../src/cli/io.ts';
import { models, reply, type ScriptItem } from '../../src/testing/index.ts';
import { folderWith, type Ran, run, server, type World } from './cli-kit.ts';
import { type Running, start } from './cli-process.ts';

export const token = 'Jp4kW9-tZq2_x7Lr';
export const otherToken = 'b8Yh3.Vn6=Qm1+Ds';
export const adminToken = 'Zr6Tq0-Lk2Wv9_Xs4Hb8Nc';

const model = 'llama3.1:8b';

export interface Backend {
  readonly url: string;
}

/** A configuration with these servers of Ollama, the first one first. */
export function folderOf(...backends: readonly Backend[]): string {
  const named = ['gpu', 'cpu'].slice(0, backends.length);
  const providers = named.map(
    (id, priority) => [id, { type: 'ollama', url: backends[priority]?.url, defaultModel: model, priority }] as const,
  );
  return folderWith({ providers: Object.fromEntries(providers) });
}

export function ollama(...script: readonly ScriptItem[]): ReturnType<typeof server> {
  return server('ollama', [models([model]), ...script]);
}

export interface Here {
  readonly url: string;
  readonly out: string;
  err(): string;
  stop(): Promise<Ran>;
}

/** `inferlane serve` in this process, on a port that is free. Fails with what it said where it does not listen. */
export async function serveHere(world: World, argv: readonly string[] = []): Promise<Here> {
  const controller = new AbortController();
  let out = '';
  let err = '';
  let onListening: (() => void) | undefined;
  const listening = new Promise<void>((resolve) => (onListening = resolve));
  const onOut = (text: string): void => {
    out += text;
    if (/^curl /m.test(out)) onListening?.();
  };
  const ended = run(['serve', '--port', '0', ...argv], {
    ...world,
    folder: world.folder ?? folderOf(await ollama(reply('Yes.'), reply('Yes.'), reply('Yes.'))),
    signal: controller.signal,
    onOut,
    onErr: (text) => void (err += text),
  });
  const stop = (): Promise<Ran> => {
    controller.abort(new Stop('SIGTERM', 143));
    return ended;
  };
  onTestFinished(async () => void (await stop()));
  await Promise.race([listening, ended.then((ran) => expect.fail(`It ended: ${JSON.stringify(ran)}`))]);
  return { url: urlIn(out), out, err: () => err, stop };
}

export interface There extends Running {
  readonly url: string;
}

/** The same in a process of its own. */
export async function serveThere(folder: string, argv: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<There> {
  const running = start(['serve', '--port', '0', ...argv], folder, undefined, env);
  await expect.poll(() => running.out() + running.err(), { timeout: 20_000 }).toMatch(/^curl |^error: /m);
  return { ...running, url: urlIn(running.out()) };
}

function urlIn(out: string): string {
  return /http:\/\/[^\s/]+/.exec(out)?.[0].replace('0.0.0.0', '127.0.0.1') ?? expect.fail(`There is no address: ${out}`);
}

/** A server of Ollama in a process of its own, which can be killed. `step`: what it does with calls, as an expression of the script. */
export async function ollamaThere(step: string): Promise<Backend & { kill(): void }> {
  const source = `
    const { fakeBackend, models, reply, stallAfter, stallBeforeHeaders } = await import(${JSON.stringify(import.meta.resolve('../../src/testing/index.ts'))});
    const backend = await fakeBackend('ollama', [models([${JSON.stringify(model)}]), ${step}]).listen();
    console.log(backend.url);
  `;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.end(source);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { url: line.toString().trim(), kill: () => void child.kill('SIGKILL') };
}

export interface Asked {
  readonly stream?: boolean;
  readonly token?: string;
  readonly text?: string;
  readonly query?: string;
  readonly signal?: AbortSignal;
}

/** A question as a client of OpenAI's API puts it. */
export function chat(url: string, { stream = false, token: bearer, text = 'Is it?', query = '', signal }: Asked = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) },
    body: JSON.stringify({ model: 'default', stream, messages: [{ role: 'user', content: text }] }),
    ...(signal !== undefined && { signal }),
  });
}

/** The words of a stream, and whether it ended as streams of OpenAI's API end. */
export async function wordsOf(
  response: Response,
): Promise<{ readonly words: string; readonly isDone: boolean; readonly error: string | undefined }> {
  const frames = (await response.text()).split('\n\n').flatMap((frame) => (frame.startsWith('data: ') ? [frame.slice(6)] : []));
  interface Chunk {
    readonly choices?: readonly { readonly delta: { readonly content?: string } }[];
    readonly error?: { readonly code: string };
  }
  const chunks = frames.filter((frame) => frame !== '[DONE]').map((frame) => JSON.parse(frame) as Chunk);
  return {
    words: chunks.map(({ choices }) => choices?.[0]?.delta.content ?? '').join(''),
    isDone: frames.at(-1) === '[DONE]',
    error: chunks.find(({ error }) => error !== undefined)?.error?.code,
  };
}

/** The status that a request under this name gets: `fetch` sends the name of the address. */
export async function statusAs(host: string, url: string, bearer: string): Promise<number> {
  const headers = { host, authorization: `Bearer ${bearer}` };
  const asking = request(`${url}/v1/models`, { headers, agent: false }).end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
}
