import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { type ListeningBackend, reply, slow, stallBeforeHeaders, type Step, type TestClock } from '../../src/testing/index.ts';
import { callerToken, examples } from './example-process.ts';

/** What stands behind an example: a server that lets its next piece go when its clock is moved. */
export interface Behind {
  readonly backend: ListeningBackend;
  readonly clock: TestClock;
  /** Where the handler is mounted. */
  readonly url: string;
}

const bodyOf = (stream: boolean): string => JSON.stringify({ model: 'tiny', stream, messages: [{ role: 'user', content: 'Hello!' }] });

export function chat(
  url: string,
  { stream = false, token = callerToken }: { readonly stream?: boolean; readonly token?: string } = {},
): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== '' && { authorization: `Bearer ${token}` }) },
    body: bodyOf(stream),
  });
}

/** Reads a stream as far as it is asked to. */
export interface Reading {
  /** Reads until the text is this. Rejects where the stream ends before. */
  until(text: string): Promise<void>;
  /** Everything that came, to the end. */
  rest(): Promise<string>;
}

export function readingOf(response: Response): Reading {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let bytes = '';
  return {
    async until(text) {
      while (textIn(bytes) !== text) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`The stream ended with: ${textIn(bytes)}`);
        bytes += decoder.decode(value, { stream: true });
      }
    },
    async rest() {
      for (let next = await reader.read(); !next.done; next = await reader.read()) bytes += decoder.decode(next.value, { stream: true });
      return bytes;
    },
  };
}

/** The words of the whole events in the bytes of a stream. */
export function textIn(bytes: string): string {
  const events = bytes.split('\n\n').slice(0, -1);
  const data = events.map((event) => event.replace(/^data: /, '')).filter((each) => each !== '[DONE]');
  return data.map((each) => (JSON.parse(each) as Chunk).choices[0]?.delta.content ?? '').join('');
}

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string | null } }[];
}

/** The status of a request that names another host than the one it goes to, which `fetch` does not let anyone do. */
export function statusFor(host: string, url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host, authorization: `Bearer ${callerToken}` };
    request(`${url}/v1/models`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

/** What the curl of a README sends. */
function readmeRequest(folder: string): { path: string; headers: Record<string, string>; body: string } {
  const readme = readFileSync(join(examples, folder, 'README.md'), 'utf8');
  const [, path = '', flags = '', body = ''] = /^curl localhost:8080(\S+) (.*)\\\n +-d '(.*)'$/m.exec(readme) ?? [];
  const headers = Array.from(flags.matchAll(/-H '([\w-]+): ([^']*)'/g), ([, name = '', value = '']) => [name, value] as const);
  return { path, headers: Object.fromEntries(headers), body };
}

/** Pieces at one for each second of the backend's clock. */
export const held: Step = slow(1, reply('One two three.'));

/** `close` is what most clients do; `reset` is for servers that take a closed connection for half an open one until they write to it. */
export type Leaving = 'close' | 'reset';

/** A client that asks for a stream, and whose connection can be given up. */
export function askAndLeave(url: string): { readonly firstPiece: Promise<void>; leave(how: Leaving): void } {
  const headers = { authorization: `Bearer ${callerToken}`, 'content-type': 'application/json' };
  const asking = request(`${url}/v1/chat/completions`, { method: 'POST', headers, agent: false });
  asking.on('error', () => undefined);
  const firstPiece = new Promise<void>((resolve) => {
    asking.on('response', (response) => {
      let bytes = '';
      response.on('error', () => undefined);
      response.setEncoding('utf8').on('data', (piece: string) => {
        bytes += piece;
        if (textIn(bytes) !== '') resolve();
      });
    });
  });
  asking.end(bodyOf(true));
  return {
    firstPiece,
    leave: (how) => void (how === 'reset' ? asking.socket?.resetAndDestroy() : asking.destroy()),
  };
}

export interface Described {
  /** The example's own, below `examples`. */
  readonly folder: string;
  /** @default 'close' */
  readonly leaves?: Leaving;
}

/** What every example must do, whatever it is mounted in. */
export function describeHandler(name: string, behind: () => Behind, { folder, leaves = 'close' }: Described): void {
  describe(name, () => {
    beforeEach(() => behind().backend.play(reply('Hello from the model.')));

    test('answers a chat, and says who did', async () => {
      const response = await chat(behind().url);
      expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'Hello from the model.' } }] });
      expect([response.status, response.headers.get('x-inferlane-attempts')]).toEqual([200, '1']);
    });

    test('answers what its README asks it', async () => {
      const { path, headers, body } = readmeRequest(folder);
      const { url } = behind();
      const response = await fetch(new URL(path, url), {
        method: 'POST',
        headers: { authorization: `Bearer ${callerToken}`, ...headers },
        body,
      });
      expect([response.status, textIn(await response.text())]).toEqual([200, 'Hello from the model.']);
      if (new URL(url).pathname !== '/') expect(path).toMatch(new RegExp(`^${new URL(url).pathname}/`));
    });

    test('hands on each piece of a stream while the next one is still held back', async () => {
      const { backend, clock, url } = behind();
      backend.play(held);
      const response = await chat(url, { stream: true });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      const reading = readingOf(response);
      await reading.until('One ');
      await clock.advance(1_000);
      await reading.until('One two ');
      await clock.advance(1_000);
      await reading.until('One two three.');
      await clock.advance(1_000);
      expect(await reading.rest()).toMatch(/data: \[DONE\]\n\n$/);
    });

    test.each([
      ['in the middle of a stream', held],
      ['before its first piece', stallBeforeHeaders()],
    ])('lets the backend go when the client leaves %s', async (_when, script) => {
      const { backend, url } = behind();
      backend.play(script);
      const [asked, aborted] = [backend.calls.length, backend.aborted];
      const leaving = askAndLeave(url);
      if (script === held) await leaving.firstPiece;
      else await expect.poll(() => backend.calls.length, { timeout: 5_000, interval: 5 }).toBe(asked + 1);
      await sleep(20);
      expect(backend.aborted).toBe(aborted);
      leaving.leave(leaves);
      await expect.poll(() => backend.aborted, { timeout: 5_000, interval: 5 }).toBe(aborted + 1);
    });

    test.each(['', 'not-the-token-of-this-server'])('refuses the token "%s" before anybody is asked', async (token) => {
      const { backend, url } = behind();
      const asked = backend.calls.length;
      const response = await chat(url, { token });
      expect([response.status, (await response.json()) as unknown]).toMatchObject([401, { error: { code: 'invalid_token' } }]);
      expect(backend.calls).toHaveLength(asked);
    });

    test('refuses a host that it was not told of', async () => {
      const { url } = behind();
      expect(await statusFor(new URL(url).host, url)).toBe(200);
      expect(await statusFor('rebound.example', url)).toBe(403);
    });
  });
}
