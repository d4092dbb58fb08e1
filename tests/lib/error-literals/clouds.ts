import { type ErrorLiteral, inError, says } from './row.ts';

const link = 'Visit https://platform.openai.com/account/rate-limits to learn more.';
const rateLimit = (unit: string): string =>
  `Rate limit reached for gpt-4o-mini in organization org-x on ${unit}: Limit 3, Used 3, Requested 1. Please try again in 20s. ${link}`;
const outOfCredit =
  'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.';
const serverError =
  'The server had an error while processing your request. Sorry about that! You can retry your request. (Please include the request ID req_x in your message.)';
const refused = 'invalid_request_error';

export const openai: readonly ErrorLiteral[] = [
  says('RPM', 429, inError(rateLimit('requests per min (RPM)'), 'requests', 'rate_limit_exceeded'), 'rate_limited'),
  says('TPM', 429, inError(rateLimit('tokens per min (TPM)'), 'tokens', 'rate_limit_exceeded'), 'rate_limited'),
  says(
    'RPM, with the billing link',
    429,
    inError(
      'Rate limit reached. Please visit https://platform.openai.com/account/billing to add a payment method.',
      'requests',
      'rate_limit_exceeded',
    ),
    'rate_limited',
  ),
  says(
    'single request larger than TPM',
    429,
    inError(
      'Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 40000.',
      'tokens',
      'rate_limit_exceeded',
    ),
    'context_length',
  ),
  says('ramping too fast', 429, inError('Slow down.', 'rate_limit_error', 'slow_down'), 'overloaded'),
  says('ramping too fast, old', 503, inError('Slow down.', 'rate_limit_error', 'slow_down'), 'overloaded'),
  ...[
    'insufficient_quota',
    'credit_balance_exhausted',
    'organization_spend_limit_exceeded',
    'project_spend_limit_exceeded',
    'organization_usage_limit_exceeded',
  ].map((code) => says(`out of credit: ${code}`, 429, inError('x', 'insufficient_quota', code), 'quota_exhausted')),
  ...[
    'credit_balance_exhausted',
    'organization_spend_limit_exceeded',
    'project_spend_limit_exceeded',
    'organization_usage_limit_exceeded',
  ].map((code) => says(`out of credit, code alone: ${code}`, 429, inError('x', null, code), 'quota_exhausted')),
  says('out of credit, text alone', 429, inError(outOfCredit), 'quota_exhausted'),
  says('overloaded', 503, inError('The engine is currently overloaded, please try again later', 'server_error'), 'overloaded'),
  says('not ready', 503, inError('The server is overloaded or not ready yet.', 'server_error', 'server_overloaded'), 'overloaded'),
  says('overloaded, in the stream', 'stream', inError('x', 'server_error', 'server_overloaded'), 'overloaded'),
  says('server', 500, inError(serverError, 'server_error'), 'unavailable'),
  says('server, in the stream', 'stream', inError(serverError, 'server_error'), 'unavailable'),
  says(
    'bad key',
    401,
    inError(
      'Incorrect API key provided: sk-5f6ce***acdb. You can find your API key at https://platform.openai.com/account/api-keys.',
      refused,
      'invalid_api_key',
    ),
    'auth',
  ),
  says('no key', 401, inError("You didn't provide an API key. x", refused), 'auth'),
  says(
    'region',
    403,
    inError('Country, region, or territory not supported', 'request_forbidden', 'unsupported_country_region_territory'),
    'auth',
  ),
  ...[404, 400, 403].map((status) =>
    says(
      `model, ${status}`,
      status,
      inError('The model `gpt-99` does not exist or you do not have access to it.', refused, 'model_not_found'),
      'model_not_found',
    ),
  ),
  says(
    'context',
    400,
    inError(
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 411525 tokens.",
      refused,
      'context_length_exceeded',
      'messages',
    ),
    'context_length',
  ),
  says(
    'context, newer',
    400,
    inError('Your input exceeds the context window of this model. Please adjust your input and try again.', refused),
    'context_length',
  ),
  // "bad_request", but the tables let another backend try: that is our "unsupported". The adapter may rewrite by its reason.
  says(
    'max_tokens on reasoning model',
    400,
    inError(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      refused,
      'unsupported_parameter',
      'max_tokens',
    ),
    'unsupported',
  ),
  says(
    'temperature',
    400,
    inError(
      "Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1) value is supported.",
      refused,
      'unsupported_value',
      'temperature',
    ),
    'unsupported',
  ),
  says(
    'policy (prompt)',
    400,
    inError(
      'Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt: x',
      refused,
      'invalid_prompt',
    ),
    'content_filtered',
  ),
  says('policy (output)', 'stream', { object: 'chat.completion', choices: [{ finish_reason: 'content_filter' }], error: null }, undefined),
  says('string too long', 400, inError('x', refused, 'string_above_max_length'), 'bad_request'),
];

const anthropicError = (type: string, message: string, details?: object): object => ({
  type: 'error',
  error: { type, message, ...(details && { details }) },
  request_id: 'req_x',
});

export const anthropic: readonly ErrorLiteral[] = [
  says('overload', 529, anthropicError('overloaded_error', 'Overloaded'), 'overloaded'),
  says('overload, in the stream', 'stream', anthropicError('overloaded_error', 'Overloaded'), 'overloaded'),
  says('rate or acceleration limit', 429, anthropicError('rate_limit_error', 'x'), 'rate_limited', { 'retry-after': '12' }),
  says('monthly tier cap', 429, anthropicError('rate_limit_error', 'x', { error_code: 'enforced_spend_limit_reached' }), 'quota_exhausted'),
  says('self-set spend limit', 400, anthropicError(refused, 'You have reached your specified API usage limits.'), 'quota_exhausted'),
  says('self-set spend limit, other words', 400, anthropicError(refused, 'This workspace has reached its spend limit.'), 'quota_exhausted'),
  says(
    'prepaid credit empty',
    400,
    anthropicError(
      refused,
      'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
    ),
    'quota_exhausted',
  ),
  ...[
    '"thinking.type.disabled" is not supported for this model. Use "thinking.type.adaptive".',
    '`temperature` is deprecated for this model.',
    '`temperature` and `top_p` cannot both be specified for this model. Please use only one.',
    'adaptive thinking is not supported on this model',
    'max_tokens: 64000 > 32000, which is the maximum allowed number of output tokens for claude-opus-4-1',
  ].map((message) => says(`what another model takes: ${message}`, 400, anthropicError(refused, message), 'unsupported')),
  says('billing', 402, anthropicError('billing_error', 'x'), 'quota_exhausted'),
  says('key', 401, anthropicError('authentication_error', 'invalid x-api-key'), 'auth'),
  says('permission', 403, anthropicError('permission_error', 'x'), 'auth'),
  says('model', 404, anthropicError('not_found_error', 'model: claude-xyz'), 'model_not_found'),
  says('route', 404, anthropicError('not_found_error', 'Not Found'), 'bad_response'),
  says('prompt too long', 400, anthropicError(refused, 'prompt is too long: 234567 tokens > 200000 maximum'), 'context_length'),
  says(
    'input and max_tokens',
    400,
    anthropicError(refused, 'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000'),
    'context_length',
  ),
  says('body > 32 MB', 413, anthropicError('request_too_large', 'Request exceeds the maximum size'), 'bad_request'),
  says('invalid', 400, anthropicError(refused, 'model: Field required'), 'bad_request'),
  says('conflict', 409, anthropicError('conflict_error', 'x'), 'unavailable'),
  says('output blocked', 400, anthropicError(refused, 'Output blocked by content filtering policy'), 'content_filtered'),
  says('refusal', 'stream', { type: 'message', stop_reason: 'refusal', content: [] }, undefined),
  says('internal', 500, anthropicError('api_error', 'Internal server error'), 'unavailable'),
  says('internal, in the stream', 'stream', anthropicError('api_error', 'Internal server error'), 'unavailable'),
  says('gateway timeout', 504, anthropicError('timeout_error', 'x'), 'timeout'),
];

export const together: readonly ErrorLiteral[] = [
  says('invalid', 400, inError('x', refused), 'bad_request'),
  says(
    'context, 400',
    400,
    inError('Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097', refused),
    'context_length',
  ),
  says('key', 401, inError('Invalid API key provided', refused, 'invalid_api_key'), 'auth'),
  says('spending limit', 402, inError('monthly spending limit reached'), 'quota_exhausted'),
  says(
    'context, 403',
    403,
    inError('Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097', refused),
    'context_length',
  ),
  says('context, 403, as documented', 403, inError('input tokens + max_tokens exceed the model context'), 'context_length'),
  // Without those words a 403 cannot be told from a refused key.
  says('context, 403, without a word', 403, '', 'auth'),
  says(
    'model',
    404,
    inError(
      'Unable to access model x. Please visit https://api.together.ai/models to view the list of supported models.',
      refused,
      'model_not_available',
    ),
    'model_not_found',
  ),
  says('path', 404, '', 'bad_response'),
  says('rate limit', 429, inError('x', 'rate_limit'), 'rate_limited'),
  says('server', 500, inError('x', 'server_error'), 'unavailable'),
  says('engine overloaded', 503, inError('The server is overloaded or not ready yet.', 'server_error'), 'overloaded'),
  says('gateway timeout', 504, inError('Gateway Timeout'), 'timeout'),
];
