import * as z from 'zod/mini';
import { type ChatRequest, type ChatStream, type ExplainOptions, formatRoute, type Plan, textOf } from '../index.ts';
import { refuseUnknownProvider } from './admin-actions.ts';
import type { AdminPlaygroundAsk, AdminPlaygroundFrame } from './admin-contract.ts';
import { deskOf } from './admin-desk.ts';
import { shownError } from './admin-events.ts';
import { adminHeaders } from './admin-page.ts';
import { settingsOf } from './admin-settings.ts';
import { count, mustBeObject, optional, readBody, type Reads, text } from './body-schema.ts';
import { badRequest } from './failure.ts';
import { sseFrame, streamResponse } from './respond.ts';
import type { Exchange } from './route.ts';

const ask: Reads<AdminPlaygroundAsk> = z.strictObject(
  {
    prompt: text().check(z.regex(/\S/, 'must not be empty')),
    model: optional(text()),
    intent: optional(text()),
    provider: optional(text()),
    maxTokens: optional(count()),
  },
  mustBeObject,
);

/** `POST playground`: what would be done, and then what is done. */
export async function answerPlayground(exchange: Exchange): Promise<Response> {
  const { router, config, call } = exchange;
  const { prompt, model, intent, provider, maxTokens } = readBody(ask, exchange.body);
  if (provider !== undefined) refuseUnknownProvider(router, provider);
  if (intent !== undefined && !Object.hasOwn(settingsOf(deskOf(config).options, router).intents, intent)) {
    throw badRequest('intent must be one of the intents of the router.', 'intent');
  }
  const request: ChatRequest = { model, messages: [{ role: 'user', content: prompt }], max_tokens: maxTokens };
  const options: ExplainOptions = { signal: call.signal, hops: call.hops, intent, provider };
  const plan = router.explain(request, { ...options, stream: true });
  const frames = framesOf(exchange, plan, () => router.stream(request, options));
  return streamResponse({ type: 'text/event-stream', headers: adminHeaders, frames }, exchange);
}

async function* framesOf({ note }: Exchange, plan: Plan, open: () => Promise<ChatStream>): AsyncGenerator<string, void, undefined> {
  yield frame({ type: 'plan', plan });
  let stream: ChatStream | undefined;
  let failure: AdminPlaygroundFrame | undefined;
  try {
    stream = await open();
    note({ route: stream.route });
    for await (const text of textOf(stream)) yield frame({ type: 'text', text });
  } catch (error) {
    note({ failure: error });
    failure = { type: 'error', ...shownError(error) };
  }
  if (stream !== undefined) yield frame({ type: 'route', text: formatRoute(stream.route) });
  if (failure !== undefined) yield frame(failure);
}

function frame(told: AdminPlaygroundFrame): string {
  return sseFrame(told);
}
