import { readBody } from './body-schema.ts';
import { HttpRefusal, refusalOf } from './failure.ts';
import { nanoseconds, writeMessage, writeResponse } from './ollama-answer.ts';
import { generate, type Generation, withoutPrompt } from './ollama-generation.ts';
import { show, tags, version } from './ollama-models.ts';
import { chatRequestOf, embedRequestOf, generateRequestOf, serverFieldsOf } from './ollama-request.ts';
import { chatBody, embedBody, generateBody, type GeneratingBody } from './ollama-schema.ts';
import { jsonResponse, routeHeaders } from './respond.ts';
import type { Exchange, Route } from './route.ts';

async function chat(exchange: Exchange): Promise<Response> {
  const body = readBody(chatBody, exchange.body);
  const generation: Generation = { ...commonOf(body), request: chatRequestOf(body), write: writeMessage };
  if (generation.request.messages.length === 0) return withoutPrompt(generation, body.keep_alive, exchange);
  return generate(generation, exchange);
}

async function generateText(exchange: Exchange): Promise<Response> {
  const body = readBody(generateBody, exchange.body);
  const generation: Generation = { ...commonOf(body), request: generateRequestOf(body), write: writeResponse };
  if (!body.prompt && !body.images?.length) return withoutPrompt(generation, body.keep_alive, exchange);
  return generate(generation, exchange);
}

/** Streams are what this API gives where nothing is said. */
function commonOf({ model, stream, think, options = {} }: GeneratingBody): Omit<Generation, 'request' | 'write'> {
  return { model, isStreamed: stream ?? true, hidesThoughts: think === false, serverFields: serverFieldsOf(options) };
}

async function embed(exchange: Exchange): Promise<Response> {
  const { router, call, config } = exchange;
  const body = readBody(embedBody, exchange.body);
  const { model, input } = body;
  const startMs = config.clock.nowMs();
  // Of no text there are no vectors, and the empty text alone counts as none.
  if (input.length === 0) return jsonResponse({ model, embeddings: [], total_duration: 0, load_duration: 0, prompt_eval_count: 0 });
  const { data, usage, route } = await router.embed(embedRequestOf(body), call);
  const answer = {
    model,
    embeddings: data.map(({ embedding }) => embedding),
    total_duration: nanoseconds(config.clock.nowMs() - startMs),
    load_duration: 0,
    ...(usage && { prompt_eval_count: usage.prompt_tokens }),
  };
  return jsonResponse(answer, 200, routeHeaders(route, exchange));
}

/** Clients of this API, ours among them, know by these words that it is the model that is missing. */
const sayingModelNotFound =
  (answer: Route['answer']): Route['answer'] =>
  async (exchange) => {
    try {
      return await answer(exchange);
    } catch (thrown) {
      const refusal = refusalOf(thrown);
      if (refusal.status !== 404) throw thrown;
      // The refusal has lost how many were asked.
      exchange.note({ failure: thrown });
      throw new HttpRefusal({ ...refusal, message: `model not found: ${refusal.message}` });
    }
  };

const post = { method: 'POST', access: 'caller', body: 'json', errors: 'ollama', isLimited: true } as const;
const get = { method: 'GET', access: 'caller', body: 'none', errors: 'ollama', isLimited: false } as const;

/** Ollama's API, for its clients. Only a caller with a token sees any of it. */
export const ollamaRoutes: readonly Route[] = Object.freeze([
  { ...post, path: '/api/chat', answer: sayingModelNotFound(chat) },
  { ...post, path: '/api/generate', answer: sayingModelNotFound(generateText) },
  { ...post, path: '/api/embed', answer: sayingModelNotFound(embed) },
  { ...post, path: '/api/show', isLimited: false, answer: show },
  { ...get, path: '/api/tags', answer: tags },
  { ...get, path: '/api/version', answer: version },
]);
