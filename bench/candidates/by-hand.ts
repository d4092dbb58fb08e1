import { promptText, type StreamName } from '../fake/sizes.ts';
import type { Vector } from './candidate.ts';

// What people write without a library: the same for all candidates that are no more than a way to send bytes.

export const messages: [{ readonly role: 'user'; readonly content: string }] = [{ role: 'user', content: promptText }];
export const jsonHeaders: Readonly<Record<string, string>> = { 'content-type': 'application/json' };

export const chatPath = '/v1/chat/completions';
export const embedPath = '/v1/embeddings';
export const chatBody = (): string => JSON.stringify({ model: 'quick', messages });
export const streamBody = (model: StreamName): string =>
  JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } });
export const embedBody = (input: readonly string[]): string => JSON.stringify({ model: 'quick', input });
export const base64Body = (input: readonly string[]): string => JSON.stringify({ model: 'quick', input, encoding_format: 'base64' });

export interface Answer {
  readonly choices: readonly { readonly message: { readonly content: string | null } }[];
}
export interface Embedded {
  readonly data: readonly { readonly embedding: readonly number[] }[];
}

export const contentOf = (answer: Answer): string => answer.choices[0]?.message.content ?? '';

export const vectorsOf = ({ data }: Embedded): readonly Vector[] => data.map(({ embedding }) => embedding);

interface EmbeddedAsBase64 {
  readonly data: readonly { readonly embedding: string }[];
}

export function vectorsOfBase64(answer: unknown): readonly Vector[] {
  return (answer as EmbeddedAsBase64).data.map(({ embedding }) => {
    const bytes = Buffer.from(embedding, 'base64');
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  });
}

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string | null } }[];
}

/** Splits at blank lines, parses, looks at the delta. */
export function eventReader(onText: (text: string) => void): (piece: string) => void {
  let rest = '';
  return (piece) => {
    const parts = (rest + piece).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const data = part.slice('data: '.length);
      if (data === '[DONE]') continue;
      const content = (JSON.parse(data) as Chunk).choices[0]?.delta.content;
      if (content) onText(content);
    }
  };
}

export async function readBody(body: ReadableStream<Uint8Array>, onText: (text: string) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const read = eventReader(onText);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    read(decoder.decode(value, { stream: true }));
  }
}

/** The loop over servers that everybody writes: whatever fails, the next one is asked. */
export async function firstThatAnswers(urls: readonly string[], ask: (url: string) => Promise<string>): Promise<string> {
  let last: unknown;
  for (const url of urls) {
    try {
      return await ask(url);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

export function mustBeOk(status: number): void {
  if (status !== 200) throw new Error(`The server answered with ${status}.`);
}
