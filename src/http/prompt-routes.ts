import * as z from 'zod/mini';
import type { ChatCompletion, ChatMessage, ChatRequest } from '../index.ts';
import { anyNumber, anyWhole, count, list, modelName, mustBeObject, oneOf, optional, readBody, text, textOrTexts } from './body-schema.ts';
import { badRequest, refusalOf } from './failure.ts';
import { jsonResponse, refusalResponse, routeHeaders } from './respond.ts';
import type { Exchange, Route } from './route.ts';
import { isRouterName, mustBeRouterName } from './router-name.ts';
import { toExtra } from './server-fields.ts';

// Routes that take a prompt and give a text, each as the clients of its system know it. Nothing is set that the caller did not set.

const notebookBody = z.strictObject(
  {
    prompt: text(),
    max_tokens: optional(count()),
    temperature: optional(anyNumber()),
    top_p: optional(anyNumber()),
    seed: optional(anyWhole()),
    stop: optional(textOrTexts()),
  },
  mustBeObject,
);

const proxyBody = z.strictObject(
  {
    model_id: modelName(),
    prompt: text(),
    max_new_tokens: optional(count()),
    temperature: optional(anyNumber()),
    top_p: optional(anyNumber()),
    repetition_penalty: optional(anyNumber()),
  },
  mustBeObject,
);

const queryBody = z.strictObject({ prompt: text(), max_tokens: optional(count()), temperature: optional(anyNumber()) }, mustBeObject);

const turn = z.strictObject({ role: oneOf(['system', 'user', 'assistant']), content: text() }, mustBeObject);

const chatBody = z.strictObject(
  {
    model: optional(modelName()),
    message: optional(text()),
    messages: optional(list(turn, 'must be a list of messages')),
    intent: optional(text().check(z.refine(isRouterName, mustBeRouterName))),
  },
  mustBeObject,
);

const asked = (content: string): readonly ChatMessage[] => [{ role: 'user', content }];

const textOf = ({ choices }: ChatCompletion): string => choices[0].message.content ?? '';

/** `POST /generate`: the body says which of two servers the caller takes this for. */
async function generate(exchange: Exchange): Promise<Response> {
  const { body: given } = exchange;
  const namesModel = typeof given === 'object' && given !== null && 'model_id' in given;
  return namesModel ? generateAsProxy(exchange) : generateAsNotebook(exchange);
}

async function generateAsNotebook(exchange: Exchange): Promise<Response> {
  const { prompt, ...settings } = readBody(notebookBody, exchange.body);
  const answer = await exchange.router.chat({ ...settings, messages: asked(prompt) }, exchange.call);
  return jsonResponse({ content: textOf(answer) }, 200, routeHeaders(answer.route, exchange));
}

async function generateAsProxy(exchange: Exchange): Promise<Response> {
  const { model_id, prompt, max_new_tokens, repetition_penalty, ...settings } = readBody(proxyBody, exchange.body);
  const serverFields = { repetition_penalty };
  const request: ChatRequest = {
    ...settings,
    model: model_id,
    max_tokens: max_new_tokens,
    messages: asked(prompt),
    extra: toExtra(serverFields, undefined),
  };
  const answer = await exchange.router.chat(request, exchange.call);
  return jsonResponse({ generated_text: textOf(answer), model_id }, 200, routeHeaders(answer.route, exchange, { serverFields, request }));
}

/** `POST /api/query`: a flag tells whether there is an answer, and so does the status. */
async function query(exchange: Exchange): Promise<Response> {
  const { prompt, ...settings } = readBody(queryBody, exchange.body);
  const tried = await exchange.router.tryChat({ ...settings, messages: asked(prompt) }, exchange.call);
  if (tried.success) {
    const { success, provider, content, answer } = tried;
    return jsonResponse({ success, provider, content, error_message: null }, 200, routeHeaders(answer.route, exchange));
  }
  // Nothing is thrown here, so nobody else tells the access log.
  exchange.note({ failure: tried.error });
  const refusal = refusalOf(tried.error);
  const { provider = null } = tried;
  const told = { success: false, provider, content: null, error_message: refusal.message };
  return new Response(JSON.stringify(told), refusalResponse('plain', refusal, exchange.requestId));
}

/** `POST /chat`: one message, or a conversation. */
async function chat(exchange: Exchange): Promise<Response> {
  const { model, message, messages, intent } = readBody(chatBody, exchange.body);
  if ((message === undefined) === (messages === undefined)) throw badRequest('Either message or messages must be given.', 'messages');
  const request = { model, messages: messages ?? asked(message ?? '') };
  const answer = await exchange.router.chat(request, { ...exchange.call, ...(intent !== undefined && { intent }) });
  return jsonResponse({ response: textOf(answer) }, 200, routeHeaders(answer.route, exchange));
}

const post = { method: 'POST', access: 'caller', body: 'json', errors: 'plain', isLimited: true } as const;

/** Texts from prompts, in the words of several systems. */
export const promptRoutes: readonly Route[] = Object.freeze([
  { ...post, path: '/generate', answer: generate },
  { ...post, path: '/api/query', answer: query },
  { ...post, path: '/chat', answer: chat },
]);
