import { setupServer } from 'msw/node';
import type { FakeBackend } from '../../src/testing/index.ts';

/** A fake backend that can be asked, in one of its two forms. */
export interface Opened extends AsyncDisposable {
  readonly url: string;
}

export type Form = 'msw' | 'loopback';

export const forms: readonly Form[] = ['msw', 'loopback'];

export async function open(backend: FakeBackend, form: Form): Promise<Opened> {
  if (form === 'loopback') return backend.listen();
  const server = setupServer(...backend.handlers);
  server.listen({ onUnhandledFrame: 'bypass' });
  return { url: backend.url, [Symbol.asyncDispose]: async () => server.close() };
}

/** Posts what `verb` needs to the paths of the plain wire. */
export function ask(
  url: string,
  verb: 'chat' | 'stream' | 'embed' = 'chat',
  more: RequestInit & { model?: string } = {},
): Promise<Response> {
  const { model = 'm', ...init } = more;
  const path = verb === 'embed' ? '/v1/embeddings' : '/v1/chat/completions';
  const body = JSON.stringify(verb === 'embed' ? { model, input: ['text'] } : { model, stream: verb === 'stream' });
  return fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body, ...init });
}

/** What came of a body, and whether it broke off. */
export async function readBody(response: Response): Promise<{ text: string; broke: boolean }> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
    return { text, broke: false };
  } catch {
    return { text, broke: true };
  }
}
