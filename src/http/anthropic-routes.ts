import { readCountBody, readMessagesBody } from './anthropic-body.ts';
import { toChatRequest } from './anthropic-request.ts';
import { toMessage } from './anthropic-answer.ts';
import { toFrames } from './anthropic-stream.ts';
import { errorBody, type Refusal } from './failure.ts';
import { jsonResponse, routeHeaders, sseFrame, streamResponse } from './respond.ts';
import type { Exchange, Route } from './route.ts';

/** Anthropic's Messages API. */
export const anthropicRoutes: readonly Route[] = Object.freeze([
  {
    method: 'POST',
    path: '/v1/messages',
    access: 'caller',
    body: 'json',
    errors: 'anthropic',
    isLimited: true,
    answer: answerMessages,
  },
  {
    method: 'POST',
    path: '/v1/messages/count_tokens',
    access: 'caller',
    body: 'json',
    errors: 'anthropic',
    // Nobody is asked.
    isLimited: false,
    answer: countTokens,
  },
]);

async function answerMessages(exchange: Exchange): Promise<Response> {
  const { router, body, call, requestId } = exchange;
  const read = readMessagesBody(body);
  const request = toChatRequest(read);
  const asked = { serverFields: { top_k: read.top_k }, request };
  if (read.stream !== true) {
    const answer = await router.chat(request, call);
    return jsonResponse(toMessage(answer, requestId), 200, routeHeaders(answer.route, exchange, asked));
  }
  const stream = await router.stream(request, call);
  const frames = toFrames(stream, requestId);
  const failure = (refusal: Refusal): string => sseFrame(errorBody('anthropic', refusal, requestId), 'error');
  return streamResponse({ type: 'text/event-stream', headers: routeHeaders(stream.route, exchange, asked), frames, failure }, exchange);
}

/** The router's own estimate, which plans go by: which tokenizer will count is known only when somebody has answered. */
async function countTokens({ router, body, call }: Exchange): Promise<Response> {
  const { promptTokens } = router.explain(toChatRequest(readCountBody(body)), call);
  return jsonResponse({ input_tokens: promptTokens });
}
