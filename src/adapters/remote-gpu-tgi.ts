import { type Adapter, type Call, defineAdapter } from '../core/adapter.ts';
import type { ChatChunk, ChatRequest, ChunkDelta, Usage } from '../core/types.ts';
import type { HttpClient } from '../lib/http.ts';
import { isCount, isJsonObject, type JsonObject, parseJson } from '../lib/json.ts';
import { type ItemReader, readStream } from '../lib/read-stream.ts';
import { openEvents, type SseEvent } from '../lib/sse.ts';
import { defaultStreamLimits } from '../lib/stream-text.ts';
import { createThinkSplitter } from '../lib/think-tags.ts';
import type { NetworkContext } from './context.ts';
import { tgiLoad } from './openai-probes.ts';
import { type CallOrigin, originOf, toFinishReason } from './openai-wire.ts';
import { maxTokensOf, stopsOf, toPrompt } from './remote-gpu-prompt.ts';
import { createStopCutter } from './remote-gpu-stops.ts';

/**
 * TGI's own protocol: `POST /generate_stream { inputs, parameters }`. A whole answer is a stream that was collected, because
 * only a stream tells how many tokens the prompt has. TGI answers with status 200 before it has looked at the request, so its
 * refusals stand in the stream.
 */
export function nativeTgi({ provider, http }: NetworkContext, { isDeclared }: { readonly isDeclared: boolean }): Adapter {
  return defineAdapter({
    name: 'remote-gpu',
    modelName: 'ignored',
    // It goes on with any text, and gives what it added, token by token, blanks included.
    capabilities: { jsonSchema: isDeclared, prefill: isDeclared },
    ignores: ['presence_penalty', 'parallel_tool_calls', 'user'],
    async stream(call) {
      const body = toBody(call, provider);
      const source = await http.openStream('/generate_stream', body, call);
      const origin = originOf(call, { provider, http });
      return readStream(openEvents(source, defaultStreamLimits, isLast), createReader(http, call, body, origin), call.signal);
    },
    async health(signal) {
      await http.getText('/health', signal);
      return { state: 'ok' };
    },
    load: (signal) => tgiLoad(http, signal),
    async models(signal) {
      const answer = await http.getJson('/info', signal);
      const { model_id: id, max_total_tokens: contextLength } = isJsonObject(answer) ? answer : {};
      if (typeof id !== 'string' || id === '') throw http.badResponse('the server does not name its model.');
      return [{ id, ...(isCount(contextLength) && { contextLength }) }];
    },
  });
}

/** The event that holds the whole text once more ends the stream; a token cannot hold these quotes unescaped. */
function isLast({ data }: SseEvent): boolean {
  return /"generated_text":\s*"/.test(data);
}

/** `details` tells the end and the tokens, so nothing may switch it off. */
function toBody(call: Call<ChatRequest>, provider: string): JsonObject {
  const { request } = call;
  const { parameters, ...extra } = request.extra?.['remote-gpu'] ?? {};
  return {
    ...extra,
    inputs: toPrompt(call, provider),
    parameters: { ...toParameters(request), return_full_text: false, ...(isJsonObject(parameters) && parameters), details: true },
  };
}

/**
 * TGI refuses what others take for "do not change anything": a temperature must be above 0, `top_p` between 0 and 1, both
 * exclusive. A temperature of 0 asks for the likeliest token each time, which is what it does when it does not sample.
 */
function toParameters(request: ChatRequest): JsonObject {
  const { temperature, top_p, seed, frequency_penalty, response_format: format } = request;
  const stop = stopsOf(request);
  const isGreedy = temperature === 0 || top_p === 0;
  const topP = top_p === 1 ? undefined : top_p;
  return {
    max_new_tokens: maxTokensOf(request),
    ...(isGreedy
      ? { do_sample: false }
      : { temperature, top_p: topP, do_sample: temperature !== undefined || topP !== undefined || undefined }),
    seed,
    frequency_penalty,
    stop: stop.length > 0 ? stop : undefined,
    grammar: format?.type === 'json_schema' ? { type: 'json', value: format.json_schema.schema } : undefined,
  };
}

/** Turns the events of one stream into chunks. */
function createReader(
  http: HttpClient,
  { request, requestId, model }: Call<ChatRequest>,
  body: JsonObject,
  origin: CallOrigin,
): ItemReader<SseEvent> {
  const head = { id: `chatcmpl-${requestId}`, object: 'chat.completion.chunk' as const, created: 0, model: model ?? '' };
  const cutter = createStopCutter(stopsOf(request));
  const splitter = createThinkSplitter();
  let isOpened = false;
  const said = ({ content, reasoning }: { readonly content: string; readonly reasoning: string }): ChatChunk[] => {
    if (content === '' && reasoning === '') return [];
    const delta: ChunkDelta = {
      ...(!isOpened && { role: 'assistant' }),
      ...(content && { content }),
      ...(reasoning && { reasoning_content: reasoning }),
    };
    isOpened = true;
    return [{ ...head, choices: [{ index: 0, delta, finish_reason: null }] }];
  };
  return {
    read({ data }, batch) {
      if (data === '') return false;
      const value = parseJson(data);
      const error = http.errorIn(value, body);
      if (error) throw error;
      const { token, generated_text: whole, details } = readEvent(value, origin);
      batch.push(...said(splitter.push(cutter.push(token))));
      if (whole === undefined) return false;
      const finish_reason = toFinishReason(details['finish_reason'], false, origin) ?? 'unknown';
      const usage = toUsage(details);
      batch.push(...said(splitter.push(cutter.end())), ...said(splitter.end()));
      batch.push({ ...head, choices: [{ index: 0, delta: {}, finish_reason }] });
      if (usage) batch.push({ ...head, choices: [], usage });
      return true;
    },
    end(isTerminated) {
      if (!isTerminated) throw origin.badResponse('the stream ended before its terminator.');
    },
  };
}

/** `token.text` of an end-of-sequence token and its kind is markup and no text. */
function readEvent(value: unknown, origin: CallOrigin): { token: string; generated_text: string | undefined; details: JsonObject } {
  const { token, generated_text: whole, details } = isJsonObject(value) ? value : {};
  if (!isJsonObject(token) || typeof token['text'] !== 'string') throw origin.badResponse('an event of the stream holds no token.');
  return {
    token: token['special'] === true ? '' : token['text'],
    generated_text: typeof whole === 'string' ? whole : undefined,
    details: isJsonObject(details) ? details : {},
  };
}

/** Older servers count what they wrote and not what they read; half a count is none. */
function toUsage({ input_length: prompt, generated_tokens: completion }: JsonObject): Usage | undefined {
  if (!isCount(prompt) || !isCount(completion)) return undefined;
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
