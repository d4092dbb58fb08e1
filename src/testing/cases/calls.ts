import assert from 'node:assert/strict';
import type { Call, ChatRequest, EmbedRequest } from '../../index.ts';
import type { FakeCall } from '../backend.ts';

export function neverAborts(): AbortSignal {
  return new AbortController().signal;
}

/** One question, with whatever a case adds. */
export function question(more: Partial<ChatRequest> = {}): ChatRequest {
  return { messages: [{ role: 'user', content: 'What is there to say?' }], ...more };
}

/** A call as the router makes it. The request is frozen to its depth: an adapter that changes it throws. */
export function chatCall(bench: { readonly model: string | undefined }, request: ChatRequest, signal?: AbortSignal): Call<ChatRequest> {
  return toCall(bench.model, request, signal);
}

export function embedCall(bench: { readonly model: string | undefined }, request: EmbedRequest, signal?: AbortSignal): Call<EmbedRequest> {
  return toCall(bench.model, request, signal);
}

function toCall<Request extends object>(model: string | undefined, request: Request, signal: AbortSignal = neverAborts()): Call<Request> {
  return { request: frozen(request), model, signal, requestId: 'conformance' };
}

function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

/** Everything of a call that a server could read, as one text. A missing call is an empty one. */
export function sentIn(call: Pick<FakeCall, 'path' | 'body'> | undefined): string {
  return call === undefined ? '' : `${call.path} ${JSON.stringify(call.body)}`;
}

/** The text stands in what was sent. Where it does not, the message shows what was. */
export function wasSent(sent: string, text: string, advice: string = ''): void {
  assert.ok(sent.includes(text), `${text} is nowhere in the request.${advice} Sent was: ${head(sent)}`);
}

export function wasNotSent(sent: string, text: string): void {
  assert.ok(!sent.includes(text), `${text} has no place in the request. Sent was: ${head(sent)}`);
}

/** As much of a text as a reader of a failed test wants to see. */
export function head(text: string): string {
  return text.length > 500 ? `${text.slice(0, 500)} …` : text;
}
