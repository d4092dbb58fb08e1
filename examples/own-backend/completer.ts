import { type Adapter, type Call, type ChatRequest, defineAdapter, httpFor } from 'inferlane';
import { readChunks } from './completer-stream.ts';

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
