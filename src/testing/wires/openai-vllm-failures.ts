import { type FailureRow, type Failures, modelOf, phraseOf } from './failures.ts';
import { eventOf, terminator } from './openai-chat.ts';
import { errorThenTerminator } from './openai-errors.ts';
import { fakeCreated } from './scene.ts';

/** vLLM: `code` is the HTTP status. */
function vllmError(status: number, message: string, type: string, param: string | null = null): FailureRow {
  return { status, body: { error: { message, type, param, code: status } } };
}

/**
 * vLLM. When its GPU runs out of memory or its driver fails, callers hear only that the engine is dead, and then nothing: so there
 * are no rows for these, and `server` is what both look like.
 */
export const vllmFailures: Failures = {
  shape: (code, message) => vllmError(code, message, code >= 500 ? 'InternalServerError' : 'BadRequestError').body,
  inStream: errorThenTerminator,
  deadly: [],
  inOpenedStream: [],
  rows: {
    'queue-full': { status: 503, body: { error: 'The model is currently scaling. Please try again later.' } },
    auth: { status: 401, body: { error: 'Unauthorized' } },
    'model-missing': (_, call) => vllmError(404, `The model \`${modelOf(call)}\` does not exist.`, 'NotFoundError', 'model'),
    'context-length': vllmError(
      400,
      "This model's maximum context length is 8192 tokens. However, you requested 512 output tokens and your prompt contains 9000 input tokens, for a total of 9512 tokens. Please reduce the length of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=9000)",
      'BadRequestError',
      'input_tokens',
    ),
    'bad-request': vllmError(
      400,
      "1 validation error:\n  {'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'}",
      'Bad Request',
      'body.messages',
    ),
    server: vllmError(500, 'EngineCore encountered an issue. See stack trace (above) for the root cause.', 'InternalServerError'),
  },
};

function problem(status: number, detail: string): FailureRow {
  return { status, body: { status, title: phraseOf(status), detail }, headers: { 'content-type': 'application/problem+json' } };
}

/** NVIDIA: the containers fail as the vLLM in them, the hosted catalogue speaks of keys, credits and functions. */
export const nvidiaFailures: Failures = {
  ...vllmFailures,
  rows: {
    ...vllmFailures.rows,
    'rate-limit': problem(429, 'Too Many Requests'),
    quota: problem(402, 'Account does not have enough credits'),
    auth: problem(401, 'Authentication failed'),
    'model-missing': (_, call) => problem(404, `Function '${modelOf(call)}': Not found for account 'fake-account'`),
  },
};

function flatError(status: number, message: string, type: string): FailureRow {
  return { status, body: { object: 'error', message, type, param: null, code: status } };
}

/** The chunk with which SGLang gives a request up. */
function abortChunk(): string {
  const delta = { role: 'assistant', content: '', reasoning_content: null, tool_calls: null };
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: 'abort', matched_stop: null }];
  return eventOf({ id: 'fake', object: 'chat.completion.chunk', created: fakeCreated, model: 'fake-model', choices, usage: null });
}

/** SGLang: errors are flat; the name of the model is not looked at; when the GPU fails the process ends. */
export const sglangFailures: Failures = {
  shape: (code, message) => flatError(code, message, code >= 500 ? 'InternalServerError' : 'BadRequest').body,
  inStream: ({ body }, { kind }) => (kind === 'queue-full' ? abortChunk() : eventOf({ error: body })) + terminator,
  deadly: ['out-of-memory', 'driver'],
  inOpenedStream: ['queue-full'],
  rows: {
    'queue-full': flatError(503, 'The request queue is full.', '503'),
    auth: { status: 401, body: { error: 'Unauthorized' } },
    'context-length': flatError(400, "The input (9000 tokens) is longer than the model's context length (8192 tokens).", 'BadRequest'),
    'bad-request': flatError(
      400,
      "[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required', 'input': {}}]",
      'Bad Request',
    ),
    server: flatError(500, 'Internal server error: list index out of range', 'InternalServerError'),
  },
};
