import { errorBody, type Refusal } from './failure.ts';
import { chatJson } from './openai-chat-answer.ts';
import { chatChunks, framesOf } from './openai-chat-stream.ts';
import { completionChunks, completionJson } from './openai-completions.ts';
import { embeddingsJson, readEmbeddings } from './openai-embeddings.ts';
import { modelEntries, modelEntry } from './openai-models.ts';
import { readChat, readCompletion } from './openai-request.ts';
import { inventoryNow } from './recent-status.ts';
import { jsonResponse, routeHeaders, sseFrame, streamResponse } from './respond.ts';
import type { Exchange, Route } from './route.ts';

const call = { method: 'POST', access: 'caller', body: 'json', errors: 'openai', isLimited: true } as const;
const look = { method: 'GET', access: 'caller', body: 'none', errors: 'openai', isLimited: false } as const;

/** OpenAI's API, as its clients speak it. */
export const openaiRoutes: readonly Route[] = Object.freeze([
  { ...call, path: '/v1/chat/completions', answer: answerChat },
  { ...call, path: '/v1/completions', answer: answerCompletion },
  { ...call, path: '/v1/embeddings', answer: answerEmbeddings },
  { ...look, path: '/v1/models', answer: answerModels },
  { ...look, path: '/v1/models/{id}', answer: answerModel },
]);

async function answerChat(exchange: Exchange): Promise<Response> {
  const asked = readChat(exchange.body);
  const { request, isStream, includesUsage } = asked;
  if (isStream) {
    const stream = await exchange.router.stream(request, exchange.call);
    return eventStream(chatChunks(stream, includesUsage), routeHeaders(stream.route, exchange, asked), exchange);
  }
  const answer = await exchange.router.chat(request, exchange.call);
  return jsonResponse(chatJson(answer), 200, routeHeaders(answer.route, exchange, asked));
}

async function answerCompletion(exchange: Exchange): Promise<Response> {
  const asked = readCompletion(exchange.body);
  const { request, isStream, includesUsage } = asked;
  if (isStream) {
    const stream = await exchange.router.stream(request, exchange.call);
    return eventStream(completionChunks(chatChunks(stream, includesUsage)), routeHeaders(stream.route, exchange, asked), exchange);
  }
  const answer = await exchange.router.chat(request, exchange.call);
  return jsonResponse(completionJson(answer), 200, routeHeaders(answer.route, exchange, asked));
}

async function answerEmbeddings(exchange: Exchange): Promise<Response> {
  const { request, isBase64 } = readEmbeddings(exchange.body);
  const answer = await exchange.router.embed(request, exchange.call);
  return jsonResponse(embeddingsJson(answer, isBase64), 200, routeHeaders(answer.route, exchange));
}

async function answerModels(exchange: Exchange): Promise<Response> {
  return jsonResponse(modelEntries(await inventoryNow(exchange)));
}

async function answerModel(exchange: Exchange): Promise<Response> {
  return jsonResponse(modelEntry(await inventoryNow(exchange), exchange.params['id'] ?? ''));
}

function eventStream(chunks: AsyncIterable<object>, headers: Readonly<Record<string, string>>, exchange: Exchange): Response {
  const failure = (refusal: Refusal): string => sseFrame(errorBody('openai', refusal, exchange.requestId));
  return streamResponse({ type: 'text/event-stream', headers, frames: framesOf(chunks), failure }, exchange);
}
