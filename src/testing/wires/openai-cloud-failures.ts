import { type Failures, modelOf, type Tell } from './failures.ts';
import { errorThenTerminator, memoryWords, openaiError } from './openai-errors.ts';

const shape: Failures['shape'] = (code, message) => openaiError(code, message, code >= 500 ? 'server_error' : 'invalid_request_error').body;

const inOpenAIStream = { inStream: errorThenTerminator, deadly: [], inOpenedStream: [] } as const;

const rateLimit: Tell = ({ retryAfter }, call) => {
  const wait = typeof retryAfter === 'number' ? ` Please try again in ${retryAfter}s.` : '';
  const limit = `Rate limit reached for ${modelOf(call)} in organization org-fake on requests per min (RPM): Limit 3, Used 3, Requested 1.`;
  const advice = ' Visit https://platform.openai.com/account/rate-limits to learn more.';
  return {
    ...openaiError(429, `${limit}${wait}${advice}`, 'requests', 'rate_limit_exceeded'),
    headers: {
      'x-ratelimit-limit-requests': '3',
      'x-ratelimit-remaining-requests': '0',
      ...(typeof retryAfter === 'number' && { 'x-ratelimit-reset-requests': `${retryAfter}s` }),
    },
  };
};

/** OpenAI. Its machines are its own, so no memory or driver of theirs is ever spoken of. */
export const openaiFailures: Failures = {
  ...inOpenAIStream,
  shape,
  rows: {
    'queue-full': openaiError(503, 'The engine is currently overloaded, please try again later', 'server_error'),
    'rate-limit': rateLimit,
    quota: openaiError(
      429,
      'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
      'insufficient_quota',
      'insufficient_quota',
    ),
    auth: openaiError(
      401,
      'Incorrect API key provided: sk-5f6ce***acdb. You can find your API key at https://platform.openai.com/account/api-keys.',
      'invalid_request_error',
      'invalid_api_key',
    ),
    'model-missing': (_, call) =>
      openaiError(
        404,
        `The model \`${modelOf(call)}\` does not exist or you do not have access to it.`,
        'invalid_request_error',
        'model_not_found',
      ),
    'context-length': openaiError(
      400,
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 411525 tokens. Please reduce the length of the messages.",
      'invalid_request_error',
      'context_length_exceeded',
      'messages',
    ),
    'bad-request': openaiError(
      400,
      "Missing required parameter: 'messages'.",
      'invalid_request_error',
      'missing_required_parameter',
      'messages',
    ),
    server: openaiError(
      500,
      'The server had an error while processing your request. Sorry about that! You can retry your request, or contact us through our help center at help.openai.com if the error persists. (Please include the request ID req_0 in your message.)',
      'server_error',
    ),
  },
};

/** Any server that speaks the protocol, so it may fail in every way; its GPU speaks in the words of the usual libraries. */
export const compatibleFailures: Failures = {
  ...inOpenAIStream,
  shape,
  rows: {
    ...openaiFailures.rows,
    'out-of-memory': ({ memory = 'cuda' }) => openaiError(500, memoryWords[memory], 'server_error'),
    driver: openaiError(500, 'CUDA error: an illegal memory access was encountered', 'server_error'),
    loading: openaiError(503, 'Loading model', 'unavailable_error'),
  },
};

/** Together. Its 403 is a prompt too long, not a matter of keys. */
export const togetherFailures: Failures = {
  ...inOpenAIStream,
  shape,
  rows: {
    'queue-full': openaiError(503, 'The server is overloaded or not ready yet.', 'service_unavailable'),
    'rate-limit': {
      ...openaiError(429, 'You have reached the rate limit specific to this model.', 'rate_limit', 'rate_limit_exceeded'),
      headers: { 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '0' },
    },
    quota: openaiError(402, 'You have reached your monthly spending limit.', 'invalid_request_error'),
    auth: openaiError(401, 'Invalid API key provided.', 'invalid_request_error', 'invalid_api_key'),
    'model-missing': (_, call) =>
      openaiError(
        404,
        `Unable to access model ${modelOf(call)}. Please visit https://api.together.ai/models to view the list of supported models.`,
        'invalid_request_error',
        'model_not_available',
      ),
    'context-length': openaiError(
      403,
      'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 4000 `inputs` tokens and 200 `max_new_tokens`',
      'invalid_request_error',
    ),
    'bad-request': openaiError(400, 'Input validation error: messages is missing', 'invalid_request_error', null, 'messages'),
    server: openaiError(500, 'Internal server error', 'server_error'),
  },
};

/** Hugging Face: the router nests its errors, what stands behind it often does not. */
export const huggingfaceFailures: Failures = {
  ...inOpenAIStream,
  shape: (_, message) => ({ error: message }),
  rows: {
    'out-of-memory': ({ memory = 'cuda' }) =>
      memory === 'cuda' ? { status: 500, body: { error: memoryWords.cuda, warnings: [memoryWords.cuda] } } : undefined,
    loading: (_, call) => ({ status: 503, body: { error: `Model ${modelOf(call)} is currently loading`, estimated_time: 20 } }),
    'rate-limit': { status: 429, body: { error: { message: 'Rate limit reached. Please log in or use a HF access token' } } },
    quota: {
      status: 402,
      body: {
        error:
          'You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits.',
      },
    },
    auth: { status: 401, body: { error: 'Invalid username or password.' } },
    'model-missing': (_, call) =>
      openaiError(
        400,
        `The requested model '${modelOf(call)}' is not supported by any provider you have enabled.`,
        'invalid_request_error',
        'model_not_supported',
        'model',
      ),
    'context-length': openaiError(
      400,
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.",
      'invalid_request_error',
      'context_length_exceeded',
      'messages',
    ),
    'bad-request': openaiError(400, "Missing required parameter: 'messages'.", 'invalid_request_error', null, 'messages'),
    server: { status: 500, body: { error: 'Internal Server Error' } },
  },
};
