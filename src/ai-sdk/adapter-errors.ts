import {
  AISDKError,
  APICallError,
  InvalidArgumentError,
  InvalidPromptError,
  LoadAPIKeyError,
  LoadSettingError,
  NoSuchModelError,
  type SharedV4Warning,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider';
import {
  type Call,
  type ErrorCode,
  type HttpClient,
  httpFor,
  isRouterError,
  RouterError,
  type Transport,
  type TransportResponse,
} from '../index.ts';

/**
 * What a model of the AI SDK threw, as a classified error of ours. Its text is never repeated but by way of the same network layer that
 * reads every server: the response is played back to it, so that codes, waits and masks are those of the built-in adapters.
 */
export async function toRouterError(error: unknown, call: Call<unknown>, name: string): Promise<unknown> {
  if (call.signal.aborted) return call.signal.reason;
  // Our own, made here.
  if (isRouterError(error)) return error;
  if (APICallError.isInstance(error)) return ofApiCall(error, call, name);
  if (AISDKError.isInstance(error)) return ofSdk(error, name);
  if (error instanceof Error) return replayed(throwing(error), call, name);
  return ofPart(error, call, name);
}

/** With a status the server answered. Without one, or with a good one and a body that never came whole, the cause says what happened. */
function ofApiCall(error: APICallError, call: Call<unknown>, name: string): Promise<unknown> {
  const { statusCode, responseHeaders = {}, responseBody = '', cause } = error;
  const isCut = statusCode !== undefined && statusCode < 300 && cause instanceof Error && !AISDKError.isInstance(cause);
  if (statusCode === undefined || isCut) return replayed(throwing(cause), call, name);
  const headers = new Map(Object.entries(responseHeaders).map(([key, value]) => [key.toLowerCase(), value]));
  // The body is text by now, however it travelled.
  for (const gone of ['content-encoding', 'content-length', 'transfer-encoding']) headers.delete(gone);
  const response: TransportResponse = {
    status: statusCode,
    header: (key) => headers.get(key.toLowerCase()) ?? null,
    body: bodyOf(responseBody),
    text: async () => responseBody,
  };
  return replayed(async () => response, call, name);
}

function throwing(error: unknown): () => Promise<never> {
  return async () => {
    throw error;
  };
}

function bodyOf(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (text !== '') controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
}

const unreadable = 'the answer is not what the model of the AI SDK can read.';

/** Where nothing is wrong with what is played back, the model could not read it. */
async function replayed(send: () => Promise<TransportResponse>, call: Call<unknown>, name: string): Promise<unknown> {
  const http = clientOf(name, { send });
  return http.postJson('', call.request, { signal: call.signal }).then(
    () => http.badResponse(unreadable),
    (classified: unknown) => classified,
  );
}

const nowhere: Transport = { send: throwing(new TypeError('There is no network here.')) };

function clientOf(name: string, transport: Transport): HttpClient {
  return httpFor({ provider: name, url: '', transport });
}

const sdkCodes: readonly (readonly [{ isInstance(error: unknown): boolean }, ErrorCode, string])[] = [
  [UnsupportedFunctionalityError, 'unsupported', 'the model of the AI SDK lacks a feature that the request needs.'],
  [LoadAPIKeyError, 'auth', 'the model of the AI SDK has no API key; give its provider one.'],
  [LoadSettingError, 'auth', 'the model of the AI SDK lacks a setting; give its provider one.'],
  [NoSuchModelError, 'model_not_found', 'the provider of the AI SDK has no such model.'],
  [InvalidPromptError, 'bad_request', 'the model of the AI SDK refused the messages.'],
  [InvalidArgumentError, 'bad_request', 'the model of the AI SDK refused an argument.'],
];

/** Their messages may quote prompts and answers. What is not in the table is an answer that could not be read. */
function ofSdk(error: AISDKError, name: string): RouterError {
  const [, code, text] = sdkCodes.find(([kind]) => kind.isInstance(error)) ?? [AISDKError, 'bad_response' as const, unreadable];
  return new RouterError(code, `${name}: ${text}`, { provider: name });
}

/** Errors inside a stream are handed on as the server wrote them. */
function ofPart(error: unknown, call: Call<unknown>, name: string): RouterError {
  const http = clientOf(name, nowhere);
  return http.errorIn({ error }, call.request) ?? http.badResponse('the stream told of an error that is none.');
}

const features = /tool|response.?format|structured|json|schema/i;

/**
 * A model of the AI SDK that lacks a feature warns, leaves it out, and answers another question.
 * @throws {RouterError} `unsupported`
 */
export function refuseDropped(warnings: readonly SharedV4Warning[], name: string): void {
  for (const warning of warnings) {
    if (warning.type !== 'unsupported' || !features.test(warning.feature)) continue;
    throw new RouterError('unsupported', `${name}: the model left out a tool or the format of the answer.`, { provider: name });
  }
}
