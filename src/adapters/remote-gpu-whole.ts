import { type Adapter, type Call, defineAdapter, type HealthReport, type ModelInfo } from '../core/adapter.ts';
import type { Parameter } from '../core/capabilities.ts';
import { RouterError } from '../core/errors.ts';
import type { ChatAnswer, ChatRequest } from '../core/types.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject, type JsonObject } from '../lib/json.ts';
import { splitThink } from '../lib/think-tags.ts';
import type { AdapterContext } from './context.ts';
import { maxTokensOf, stopsOf, toPrompt, withoutPrompt } from './remote-gpu-prompt.ts';
import { cutAtStop } from './remote-gpu-stops.ts';

// The two dialects that give whole answers. Neither says why an answer ended, nor counts tokens. Neither promises to continue one:
// whether the blank at the seam survives is its author's matter.

export type GenerateContext = Pick<AdapterContext, 'provider' | 'http' | 'stripPrompt'>;

/** A notebook takes none of them: what it makes of the fields that it is sent is its author's matter. `stop` is kept here. */
export const notebookIgnores: readonly Parameter[] = [
  'temperature',
  'top_p',
  'max_tokens',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'parallel_tool_calls',
  'user',
];

/**
 * `POST /generate { prompt }` → `{ content }`, `GET /health` → `{ status: "healthy", model }`: a few lines of FastAPI around a
 * pipeline, which blocks the server while it runs. So while a call of ours is under way, silence is no sign of a fault, and
 * nothing is asked.
 */
export function notebook(context: GenerateContext): Adapter {
  const { http, provider } = context;
  let inFlight = 0;
  let model: string | undefined;
  const known = (): readonly ModelInfo[] => (model === undefined ? [] : [{ id: model }]);
  return defineAdapter({
    name: 'remote-gpu',
    modelName: 'ignored',
    ignores: notebookIgnores,
    async chat(call) {
      const prompt = toPrompt(call, provider);
      inFlight += 1;
      try {
        const answer = await http.postJson('/generate', toNotebookBody(call.request, prompt), call);
        return toAnswer(readText(answer, 'content', http), prompt, model ?? call.model, call, context);
      } finally {
        inFlight -= 1;
      }
    },
    async health(signal) {
      if (inFlight > 0) return { state: 'ok' };
      const answer = await http.getJson('/health', signal);
      model = modelIn(answer) ?? model;
      return toHealth(answer, context);
    },
    async models(signal) {
      if (inFlight === 0) model = modelIn(await http.getJson('/health', signal)) ?? model;
      return known();
    },
  });
}

/** Fields beside the prompt are harmless where the server does not know them. */
function toNotebookBody(request: ChatRequest, prompt: string): JsonObject {
  const { temperature, top_p, seed, extra } = request;
  return { max_tokens: maxTokensOf(request), temperature, top_p, seed, stop: request.stop, ...extra?.['remote-gpu'], prompt };
}

function modelIn(answer: unknown): string | undefined {
  const model = isJsonObject(answer) ? answer['model'] : undefined;
  return typeof model === 'string' && model !== '' ? model : undefined;
}

function toHealth(answer: unknown, { provider }: GenerateContext): HealthReport {
  const status = isJsonObject(answer) ? answer['status'] : undefined;
  if (typeof status !== 'string' || /^(?:healthy|ok|up|ready|running)$/i.test(status)) return { state: 'ok' };
  if (/load|start|warm|init/i.test(status)) return { state: 'warming' };
  throw new RouterError('unavailable', `${provider}: the server says of itself that it is not healthy.`, { provider });
}

/**
 * `POST /generate { model_id, prompt, max_new_tokens, … }` → `{ generated_text, model_id }`, `GET /models` → a list of
 * `{ id, name, hf_name, endpoint, available }`: a proxy in front of several TGI servers, with no health route of its own.
 */
export function proxy(context: GenerateContext): Adapter {
  const { http, provider } = context;
  return defineAdapter({
    name: 'remote-gpu',
    modelName: 'required',
    ignores: ['seed', 'presence_penalty', 'frequency_penalty', 'parallel_tool_calls', 'user'],
    async chat(call) {
      const prompt = toPrompt(call, provider);
      const answer = await http.postJson('/generate', toProxyBody(call, prompt, provider), call);
      const text = readText(answer, 'generated_text', http);
      const model = isJsonObject(answer) && typeof answer['model_id'] === 'string' ? answer['model_id'] : call.model;
      return toAnswer(text, prompt, model, call, context);
    },
    async health(signal) {
      if ((await listAvailable(http, signal)).length > 0) return { state: 'ok' };
      throw new RouterError('unavailable', `${provider}: none of the models behind this proxy is available.`, { provider });
    },
    models: (signal) => listAvailable(http, signal),
  });
}

function toProxyBody({ request, model }: Call<ChatRequest>, prompt: string, provider: string): JsonObject {
  if (model === undefined || model === '') {
    const message = `${provider}: this proxy answers only for a named model. Set "model" in the request or "defaultModel" of this provider.`;
    // Another provider may have a model of its own.
    throw new RouterError('unsupported', message, { provider });
  }
  const { temperature, top_p, extra } = request;
  return { max_new_tokens: maxTokensOf(request), temperature, top_p, ...extra?.['remote-gpu'], model_id: model, prompt };
}

/** A model whose server is down is not served now. */
async function listAvailable(http: HttpClient, signal: AbortSignal): Promise<readonly ModelInfo[]> {
  const list = await http.getJson('/models', signal);
  if (!Array.isArray(list)) throw http.badResponse('the list of models is no list.');
  return list.filter(isJsonObject).flatMap(({ id, available }) => (typeof id === 'string' && available !== false ? [{ id }] : []));
}

function readText(answer: unknown, field: 'content' | 'generated_text', http: HttpClient): string {
  const text = isJsonObject(answer) ? answer[field] : undefined;
  if (typeof text === 'string') return text;
  throw http.badResponse(`the answer has no text in "${field}". Check the dialect of this provider.`);
}

function toAnswer(
  text: string,
  prompt: string,
  model: string | undefined,
  { request, requestId }: Call<ChatRequest>,
  { stripPrompt }: GenerateContext,
): ChatAnswer {
  const written = cutAtStop(stripPrompt ? withoutPrompt(text, prompt) : text, stopsOf(request));
  const { content, reasoning } = splitThink(written);
  const message = { role: 'assistant' as const, content, ...(reasoning !== '' && { reasoning_content: reasoning }) };
  return {
    id: `chatcmpl-${requestId}`,
    object: 'chat.completion',
    created: 0,
    model: model ?? '',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
  };
}
