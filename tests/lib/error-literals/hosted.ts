import { type ErrorLiteral, inError, says } from './row.ts';

const html = { 'content-type': 'text/html; charset=utf-8' };
const noCredits =
  'You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits.';
const notServed = "The requested model 'x/y' is not supported by any provider you have enabled.";
const noPermission = 'This authentication method does not have sufficient permissions to call Inference Providers on behalf of user x';

export const huggingface: readonly ErrorLiteral[] = [
  says('credits used', 402, { error: noCredits }, 'quota_exhausted'),
  says('credits used, newer', 402, inError('x', 'insufficient_quota'), 'quota_exhausted'),
  says('credits used, another status', 400, { error: noCredits }, 'quota_exhausted'),
  says('model not served', 400, inError(notServed, 'invalid_request_error', 'model_not_supported', 'model'), 'model_not_found'),
  says('model not served, legacy', 400, { error: notServed }, 'model_not_found'),
  says('model not served, 404', 404, { error: notServed }, 'model_not_found'),
  says('bad token', 401, { error: 'Invalid username or password.' }, 'auth'),
  says('bad header', 401, { error: 'Invalid credentials in Authorization header' }, 'auth'),
  says('token lacks permission', 403, { error: noPermission }, 'auth'),
  says('gated model', 403, { error: 'Access to model x/y is restricted: it is a gated repo, accept its licence first.' }, 'auth'),
  says('rate limit', 429, inError('Rate limit reached. Please log in or use a HF access token'), 'rate_limited'),
  says('loading', 503, { error: 'Model gpt2 is currently loading', estimated_time: 20 }, 'model_loading'),
  says('loading, with 200', 'stream', { error: 'Model gpt2 is currently loading', estimated_time: 20 }, 'model_loading'),
  says('provider outage, 500', 500, { error: 'upstream' }, 'unavailable'),
  says('provider outage, 502', 502, '<html><body>Bad Gateway</body></html>', 'unavailable', html),
  says('provider outage, 504', 504, '<html><body>Gateway Time-out</body></html>', 'unavailable', html),
  says('OOM inside clone', 500, { error: 'CUDA out of memory. Tried to allocate 20.00 MiB', warnings: ['x'] }, 'out_of_memory'),
  says(
    'retired host',
    410,
    { error: 'https://api-inference.huggingface.co is no longer supported. Please use https://router.huggingface.co instead.' },
    'bad_response',
  ),
  says('list of texts', 400, { error: ['Error in `inputs`: field required'] }, 'bad_request'),
];

export const nvidia: readonly ErrorLiteral[] = [
  // Nothing in the page tells a loading container from a dead one; the health verb asks /v1/health/live.
  says('loading behind nginx, 502', 502, '<html><head><title>502 Bad Gateway</title></head></html>', 'unavailable', html),
  says(
    'loading behind nginx, 503',
    503,
    '<html><head><title>503 Service Temporarily Unavailable</title></head></html>',
    'overloaded',
    html,
  ),
  says('auth, 401', 401, { status: 401, title: 'Unauthorized', detail: 'Authentication failed' }, 'auth'),
  says('auth, 403', 403, { status: 403, title: 'Forbidden', detail: 'Authorization failed' }, 'auth'),
  says('credits', 402, { status: 402, title: 'Payment Required' }, 'quota_exhausted'),
  says(
    'function not enabled',
    404,
    { status: 404, title: 'Not Found', detail: "Function 'x': Not found for account 'y'" },
    'model_not_found',
  ),
  says('function not enabled, short', 404, { detail: 'Function not found for account' }, 'model_not_found'),
  says('rate limit', 429, { status: 429, title: 'Too Many Requests' }, 'rate_limited'),
  says(
    'embedding without input_type',
    400,
    inError("'input_type' parameter is required for asymmetric models", 'BadRequestError', 400),
    'bad_request',
  ),
];

const nothingLoaded = "No models loaded. Please load a model in the developer page or use the 'lms load' command.";
const guardrail = 'Model loading aborted due to insufficient system resources.';
const crashed = 'The model has crashed without additional information. (Exit code: 6)';
const overflow =
  'Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.';

export const lmstudio: readonly ErrorLiteral[] = [
  says('no such path, with a good status', 'stream', { error: 'Unexpected endpoint or method. (GET /v1/nothing)' }, 'unsupported'),
  ...[400, 404].map((status) => says(`nothing loaded, ${status}`, status, { error: { message: nothingLoaded } }, 'model_not_found')),
  ...[400, 500].map((status) => says(`guardrail, ${status}`, status, { error: { message: guardrail } }, 'out_of_memory')),
  says('unknown model', 404, inError('x', null, 'model_not_found'), 'model_not_found'),
  ...[400, 500].map((status) => says(`model crash, ${status}`, status, { error: { message: crashed } }, 'unavailable')),
  says('context overflow', 400, { error: { message: overflow } }, 'context_length'),
  says('an image that it cannot read', 400, { error: "'url' field must be a base64 encoded image." }, 'unsupported'),
];
