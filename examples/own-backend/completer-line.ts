import type { Call, ChatChunk, ChatRequest, HttpClient } from 'inferlane';

/** One line of the stream: a piece of the answer, why it is over, or an error. */
export function toChunk(line: string, http: HttpClient, { request, requestId }: Call<ChatRequest>): ChatChunk {
  const value = parse(line);
  const error = http.errorIn(value, request);
  if (error) throw error;
  if (typeof value !== 'object' || value === null) throw http.badResponse('a line of the stream is not an object.');
  const { piece, why } = value as { piece?: unknown; why?: unknown };
  const head = { id: requestId, object: 'chat.completion.chunk' as const, created: 0, model: 'completer' };
  if (typeof piece === 'string') return { ...head, choices: [{ index: 0, delta: { content: piece }, finish_reason: null }] };
  if (why !== 'end' && why !== 'limit') throw http.badResponse('a line of the stream says neither what nor why.');
  return { ...head, choices: [{ index: 0, delta: {}, finish_reason: why === 'limit' ? 'length' : 'stop' }] };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
