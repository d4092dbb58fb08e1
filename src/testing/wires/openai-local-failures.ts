import { type FailureRow, type Failures, modelOf, phraseOf } from './failures.ts';
import { type Fields, fieldsOf } from './fields.ts';
import { eventOf, terminator } from './openai-chat.ts';
import { errorThenTerminator, memoryWords } from './openai-errors.ts';

function llamacppError(status: number, message: string, type: string, more: Fields = {}): FailureRow {
  return { status, body: { error: { code: status, message, type, ...more } } };
}

/**
 * llama.cpp. A process that runs out of memory aborts, so its streams just end; the router mode then says that the model failed to
 * load. Faults of the caller come as 500. Nothing follows an error in a stream.
 */
export const llamacppFailures: Failures = {
  shape: (code, message) => llamacppError(code, message, code >= 500 ? 'server_error' : 'invalid_request_error').body,
  inStream: ({ body }) => eventOf(body),
  deadly: ['out-of-memory', 'driver'],
  inOpenedStream: [],
  rows: {
    'out-of-memory': (_, call) => llamacppError(500, `model name=${modelOf(call)} failed to load`, 'server_error'),
    'queue-full': llamacppError(500, 'model limit reached, try again later', 'server_error'),
    loading: { status: 503, body: { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } } },
    auth: { status: 401, body: { error: { message: 'Invalid API Key', type: 'authentication_error', code: 401 } } },
    'model-missing': (_, call) => llamacppError(400, `model '${modelOf(call)}' not found`, 'invalid_request_error'),
    'context-length': llamacppError(
      400,
      'request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it',
      'exceed_context_size_error',
      { n_prompt_tokens: 5000, n_ctx: 4096 },
    ),
    'bad-request': llamacppError(
      500,
      "[json.exception.parse_error.101] parse error at line 1, column 14: syntax error while parsing value - unexpected end of input; expected '[', '{', or a literal",
      'server_error',
    ),
    server: llamacppError(500, 'Compute error.', 'server_error'),
  },
};

/** LM Studio loads models inside the call, and its guardrail refuses those that would not fit. */
export const lmstudioFailures: Failures = {
  shape: (_, message) => ({ error: { message } }),
  inStream: errorThenTerminator,
  deadly: [],
  inOpenedStream: [],
  rows: {
    'out-of-memory': (_, call) => ({
      status: 400,
      body: {
        error: {
          message: `Failed to load model "${modelOf(call)}". Error: Model loading was stopped due to insufficient system resources.`,
        },
      },
    }),
    auth: { status: 401, body: { error: { message: 'Invalid API token.', type: 'invalid_request_error', code: 'invalid_api_key' } } },
    'model-missing': {
      status: 404,
      body: { error: { message: "No models loaded. Please load a model in the developer page or use the 'lms load' command." } },
    },
    'context-length': {
      status: 400,
      body: {
        error: {
          message:
            'Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.',
        },
      },
    },
    'bad-request': { status: 400, body: { error: { message: "'messages' is required" } } },
    server: { status: 500, body: { error: { message: 'The model has crashed without additional information. (Exit code: 6)' } } },
  },
};

/** text-generation-webui: whatever breaks is a bare 500, and a stream that breaks just ends. It never looks at the model's name. */
export const textgenFailures: Failures = {
  shape: (code, message) => (code >= 500 ? phraseOf(500) : { detail: message }),
  inStream: () => '',
  deadly: [],
  inOpenedStream: [],
  rows: {
    auth: { status: 401, body: { detail: 'Unauthorized' } },
    // Embeddings have a model of their own, loaded at first use.
    'model-missing': (_, { verb }) =>
      verb === 'embed'
        ? {
            status: 503,
            body: {
              error: {
                message: 'Error: Failed to load embedding model: sentence-transformers/all-mpnet-base-v2',
                code: 503,
                type: 'server_error',
                param: '',
              },
            },
          }
        : undefined,
    'bad-request': { status: 422, body: { detail: [{ type: 'missing', loc: ['body', 'messages'], msg: 'Field required', input: {} }] } },
    server: { status: 500, body: 'Internal Server Error' },
  },
};

const tgiError = (status: number, error: string, type: string): FailureRow => ({ status, body: { error, error_type: type } });

/** A 429 of the server itself says `overloaded`: that is `queue-full`. */
const tgiTypes: Readonly<Record<number, string>> = {
  422: 'validation',
  424: 'generation',
  500: 'incomplete_generation',
};

/** TGI: streams begin with 200 whatever happens, and every error in them is a 422. */
export const tgiFailures: Failures = {
  shape: (code, message) => ({ error: message, ...(code in tgiTypes && { error_type: tgiTypes[code] }) }),
  inStream: ({ body }) => eventOf({ error: { message: fieldsOf(body)['error'], http_status_code: 422 } }) + terminator,
  deadly: [],
  inOpenedStream: ['out-of-memory', 'driver', 'queue-full', 'context-length', 'bad-request', 'server'],
  rows: {
    'out-of-memory': ({ memory = 'cuda' }) =>
      memory === 'cuda' || memory === 'rocm'
        ? tgiError(424, `Request failed during generation: Server error: ${memoryWords[memory]}`, 'generation')
        : undefined,
    driver: tgiError(
      424,
      "Request failed during generation: Server error: Unexpected <class 'RuntimeError'>: CUDA error: an illegal memory access was encountered",
      'generation',
    ),
    'queue-full': tgiError(429, 'Model is overloaded', 'overloaded'),
    auth: { status: 401, body: '' },
    'context-length': tgiError(
      422,
      'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 200 `max_new_tokens`',
      'validation',
    ),
    'bad-request': tgiError(422, 'Input validation error: `temperature` must be strictly positive', 'validation'),
    server: tgiError(500, 'Incomplete generation', 'incomplete_generation'),
  },
};
