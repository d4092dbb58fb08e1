import { type ErrorLiteral, inError, says } from './row.ts';

/** vLLM before 0.10.1, and SGLang. */
const flat = (code: number, message: string, type: string, param: string | null = null): object => ({
  object: 'error',
  message,
  type,
  param,
  code,
});

const engineDead = 'EngineCore encountered an issue. See stack trace (above) for the root cause.';
const contextNew =
  "This model's maximum context length is 8192 tokens. However, you requested 512 output tokens and your prompt contains 9000 input tokens, for a total of 9512 tokens. Please reduce the length of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=9000)";
const contextOld =
  "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4500 in the messages, 500 in the completion). Please reduce the length of the messages or completion.";
const contextCharacters =
  "This model's maximum context length is 8192 tokens. However, you requested 512 output tokens and your prompt contains at least 90000 characters. (parameter=input_text, value=90000)";

export const vllm: readonly ErrorLiteral[] = [
  // The text says nothing about memory, though memory is the usual reason.
  says('engine dead', 500, inError(engineDead, 'InternalServerError', 500), 'unavailable'),
  says('engine dead, in the stream', 'stream', inError(engineDead, 'InternalServerError', 500), 'unavailable'),
  says('per-request engine failure', 500, inError('Internal server error', 'InternalServerError', 500), 'unavailable'),
  says(
    'per-request engine failure, its words',
    500,
    inError('CUDA out of memory. Tried to allocate 2.00 GiB', 'InternalServerError', 500),
    'out_of_memory',
  ),
  // The table says "server", but an empty 503 says nothing apart from its status; only the health verb knows better.
  says('health when dead', 503, '', 'overloaded'),
  says('model unknown', 404, inError('The model `x` does not exist.', 'NotFoundError', 404, 'model'), 'model_not_found'),
  says('model unknown, old', 404, flat(404, 'The model `x` does not exist.', 'NotFoundError'), 'model_not_found'),
  says('context', 400, inError(contextNew, 'BadRequestError', 400, 'input_tokens'), 'context_length'),
  says('context in characters', 400, inError(contextCharacters, 'BadRequestError', 400, 'input_text'), 'context_length'),
  says('context, old', 400, flat(400, contextOld, 'BadRequestError'), 'context_length'),
  says(
    'context of an embedding, old',
    400,
    flat(400, 'you requested 9000 tokens in the input for embedding generation. Please reduce the length of the input.', 'BadRequestError'),
    'context_length',
  ),
  says(
    'context, engine',
    400,
    inError('The prompt (total length 5000) is longer than the maximum model length of 4096.', 'BadRequestError', 400),
    'context_length',
  ),
  // The table says capability, but FastAPI's text is the same for every unknown route: the embed verb must know.
  says('embeddings on a generate model, route missing', 404, { detail: 'Not Found' }, 'bad_response'),
  says(
    'embeddings on a generate model, 501',
    501,
    inError('The model does not support Embeddings API', 'NotImplementedError', 501),
    'unsupported',
  ),
  says(
    'embeddings on a generate model, 400',
    400,
    flat(400, 'The model does not support Embeddings API', 'BadRequestError'),
    'unsupported',
  ),
  says('chat on embedding model, route missing', 404, { detail: 'Not Found' }, 'bad_response'),
  says(
    'chat on embedding model, 501',
    501,
    inError('The model does not support Chat Completions API', 'NotImplementedError', 501),
    'unsupported',
  ),
  says(
    'validation',
    400,
    inError("1 validation error:\n  {'type': 'missing', 'loc': ('body', 'messages')}", 'Bad Request', 400, 'body.messages'),
    'bad_request',
  ),
  says(
    'an effort that this version does not know',
    400,
    inError(
      "1 validation error:\n  {'type': 'literal_error', 'loc': ('body', 'reasoning_effort'), 'msg': \"Input should be 'low', 'medium' or 'high'\", 'input': 'xhigh'}",
      'Bad Request',
      400,
    ),
    'unsupported',
  ),
  says(
    'tools, started without them',
    400,
    inError('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set', 'BadRequestError', 400),
    'unsupported',
  ),
  says(
    'a required tool, started without a parser',
    400,
    inError('tool_choice="required" requires --tool-call-parser to be set', 'BadRequestError', 400),
    'unsupported',
  ),
  says('tool choice without tools', 400, inError('When using `tool_choice`, `tools` must be set.', 'BadRequestError', 400), 'bad_request'),
  says('an image for a model without eyes', 400, inError('org/model is not a multimodal model', 'BadRequestError', 400), 'unsupported'),
  says('an image too many', 400, inError('At most 1 image(s) may be provided in one request.', 'BadRequestError', 400), 'unsupported'),
  says('auth', 401, { error: 'Unauthorized' }, 'auth'),
  says('elastic scaling', 503, { error: 'The model is currently scaling. Please try again later.' }, 'overloaded'),
  says('queue limits', 503, inError('Too many requests waiting.', 'Service Unavailable', 503), 'overloaded'),
  says('queue limits, in the stream', 'stream', inError('Too many requests waiting.', 'Service Unavailable'), 'overloaded'),
  says('unreachable image', 422, inError('Failed to fetch the image', 'UnprocessableEntityError', 422), 'bad_request'),
  says(
    'no chat template',
    400,
    inError(
      'As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template',
      'BadRequestError',
      400,
    ),
    'unsupported',
  ),
];

const sglangContext =
  "Requested token count exceeds the model's maximum context length of 8192 tokens. You requested a total of 9512 tokens: 9000 tokens from the input messages and 512 tokens for the completion. Please reduce the number of tokens";

export const sglang: readonly ErrorLiteral[] = [
  says('queue full', 503, flat(503, 'The request queue is full.', '503'), 'overloaded'),
  // No error in it: the adapter reads the finish reason.
  says(
    'queue full, in the stream',
    'stream',
    { object: 'chat.completion.chunk', choices: [{ index: 0, delta: {}, finish_reason: 'abort' }] },
    undefined,
  ),
  says('running timeout', 503, flat(503, 'Request running timeout reached.', '503'), 'timeout'),
  says('waiting timeout', 503, flat(503, 'Request waiting timeout reached.', '503'), 'timeout'),
  says('pre-empted by priority', 503, flat(503, 'The request is aborted by a higher priority request.', '503'), 'overloaded'),
  says(
    'context',
    400,
    flat(400, "The input (9000 tokens) is longer than the model's context length (8192 tokens).", 'BadRequest'),
    'context_length',
  ),
  says('context with completion', 400, flat(400, sglangContext, 'BadRequest'), 'context_length'),
  says(
    'context, in the stream',
    'stream',
    { error: flat(400, "The input (9000 tokens) is longer than the model's context length (8192 tokens).", 'BadRequest') },
    'context_length',
  ),
  says(
    'embeddings on LLM',
    400,
    flat(
      400,
      'This model does not appear to be an embedding model by default. Please add `--is-embedding` when launching the server or try another model.',
      'BadRequest',
    ),
    'unsupported',
  ),
  says(
    'unknown model',
    404,
    inError("The model 'x' does not exist", 'invalid_request_error', 'model_not_found', 'model'),
    'model_not_found',
  ),
  says('validation', 400, flat(400, "1 validation error:\n  {'type': 'missing'}", 'Bad Request'), 'bad_request'),
  says('internal', 500, flat(500, 'Internal server error: x', 'InternalServerError'), 'unavailable'),
  says('GPU OOM, its log line', 500, flat(500, 'CUDA out of memory', 'InternalServerError'), 'out_of_memory'),
  says('retraction, its log line', 500, flat(500, 'Decode out of memory', 'InternalServerError'), 'out_of_memory'),
  says('auth', 401, { error: 'Unauthorized' }, 'auth'),
  says('forbidden', 403, { error: 'Forbidden' }, 'auth'),
];
