import { type Adapter, defineAdapter, httpFor, readLines, RouterError } from 'inferlane';
import type { Body, Call, ChatChunk, ChatRequest, ChunkBatches, HttpClient } from 'inferlane';

// The server: POST /complete { prompt, limit, stream } → { text, why } or lines of { piece } and one of { why }.

/** An adapter of your own: `{ type: 'custom', adapter: completer('http://box:9000') }`. */
export function completer(url: string): Adapter {
  const http = httpFor({ provider: 'completer', url });
  return defineAdapter({
    name: 'completer',
    // Without a name for a model the server takes the one that it has.
    modelName: 'ignored',
    // What it has no place for: the router tells its user, once, that a call goes out without it.
    ignores: ['temperature', 'top_p', 'stop', 'seed', 'presence_penalty', 'frequency_penalty', 'parallel_tool_calls', 'user'],
    // `chat` is made of this. It resolves when the server has accepted the call, so that a refusal can move on to another provider.
    async stream(call) {
      return readChunks(http, call, await http.openStream('/complete', bodyOf(call), call));
    },
    async health(signal) {
      await http.getText('/health', signal);
      return { state: 'ok' };
    },
  });
}

function bodyOf({ request }: Call<ChatRequest>): object {
  const prompt = request.messages.map(({ role, content }) => `${role}: ${textOf(content)}`).join('\n');
  return { prompt, limit: request.max_completion_tokens ?? request.max_tokens, stream: true, ...request.extra?.['completer'] };
}

function textOf(content: ChatRequest['messages'][number]['content']): string {
  if (typeof content === 'string' || content == null) return content ?? '';
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** Chunks travel in arrays, one or more at a time. The stream ends well only where the server said that it was done. */
async function* readChunks(http: HttpClient, call: Call<ChatRequest>, body: Body): ChunkBatches {
  try {
    for await (const lines of readLines(body)) {
      for (const line of lines) {
        const { chunk, isLast } = readLine(line, http, call);
        yield [chunk];
        if (isLast) return;
      }
    }
  } catch (error) {
    throw call.signal.aborted ? call.signal.reason : error;
  }
  throw http.badResponse('the stream ended before its last line.');
}

function readLine(line: string, http: HttpClient, call: Call<ChatRequest>): { chunk: ChatChunk; isLast: boolean } {
  const value = parse(line);
  const error = http.errorIn(value, call.request);
  if (error) throw error;
  if (typeof value !== 'object' || value === null) throw http.badResponse('a line of the stream is not an object.');
  const { piece, why } = value as { piece?: unknown; why?: unknown };
  const head = { id: call.requestId, object: 'chat.completion.chunk' as const, created: 0, model: 'completer' };
  if (typeof piece === 'string') {
    return { chunk: { ...head, choices: [{ index: 0, delta: { content: piece }, finish_reason: null }] }, isLast: false };
  }
  if (why !== 'end' && why !== 'limit') throw new RouterError('bad_response', 'completer: a line says neither what nor why.');
  const finish_reason = why === 'limit' ? 'length' : 'stop';
  return { chunk: { ...head, choices: [{ index: 0, delta: {}, finish_reason }] }, isLast: true };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
