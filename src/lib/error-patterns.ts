import type { ErrorCode } from '../core/error-codes.ts';

/**
 * What servers say when they fail, as data. Every pattern is linear: no quantifier inside another, every gap between two
 * words bounded, because the text comes from strangers.
 */

export interface TextRule {
  readonly code: ErrorCode;
  readonly pattern: RegExp;
  /** Where a client error holds the text too (in the name of a model, say), the rule does not apply. */
  readonly serverFaultsOnly?: true;
}

function rule(code: ErrorCode, ...patterns: RegExp[]): TextRule {
  return { code, pattern: new RegExp(patterns.map(({ source }) => source).join('|'), 'i') };
}

/**
 * In order; the first match wins. Out of memory comes before the driver, since "CUDA error: out of memory" is both, and
 * before a missing model; the context window before a plain refusal, since both come with status 400.
 */
export const textRules: readonly TextRule[] = [
  rule(
    'out_of_memory',
    /out[ _-]of[ _-](?:device[ _-]|host[ _-])?memory/,
    // ggml's own `ErrorOutOfDeviceMemory` has no blanks.
    /outof(?:device|host)?memory/,
    /(?:cuda|hip|aclrt)malloc failed/,
    /cublas_status_alloc_failed/,
    /failed to (?:allocate|commit memory)/,
    /unable to allocate [^\n]{0,80}buffer/,
    /allocation of size \d{1,20} failed/,
    /requires more system memory/,
    /memory layout cannot be allocated/,
    /unable to load full model on gpu/,
    /not enough (?:\w{1,10} )?(?:memory|vram)\b/,
    // PyTorch on a CPU, and the system's own ENOMEM.
    /can(?:not|'t) allocate memory/,
    /insufficient (?:v?ram\b|memory|system resources)/,
    /out of v?ram\b/,
    /no available memory for the cache blocks/,
    /free memory on device [^\n]{0,80}is less than desired/,
    // The kernel's OOM killer: SIGKILL, or 128 + 9 as a shell reports it.
    /signal: killed|exit (?:status|code) 137\b/,
    // llama.cpp's router and text-generation-webui say no more than this; their memory is by far the likeliest reason.
    /^model name=[^\n]{0,200} failed to load/,
    /^failed to load the model\.?$/,
  ),
  // Ahead of the context window: the cells shared by all requests are used up, so a later try may well fit.
  rule('overloaded', /context size has been exceeded/),
  rule(
    'context_length',
    /context_length_exceeded|exceed_context_size|model_context_window_exceeded/,
    /maximum context length/,
    /exceeds the available context size/,
    /larger than the max context size/,
    /longer than the (?:model's )?context length/,
    /longer than the maximum model length/,
    /input length exceeds/,
    /exceeds? (?:the )?(?:model(?:'s)? )?(?:maximum )?context/,
    /prompt is too long/,
    /context (?:the )?overflows/,
    /tokens in the input for embedding generation/,
    // OpenAI sends it as a rate limit, but the request never fits.
    /^request too large for/,
    /`inputs` tokens \+ `max_new_tokens` must be <=/,
    /`inputs` must have less than \d{1,20} tokens/,
    /too large to process\. increase the physical batch size/,
  ),
  {
    ...rule(
      'driver',
      /(?:cuda|rocm|hip|musa|nccl) ?error|cuda driver|insufficient driver|libcuda/,
      /no kernel image is available|illegal memory access|device-side assert|unspecified launch failure/,
      /cublas|cudnn|vulkan|ggml_assert/,
      /device ?lost|errorinitializationfailed/,
    ),
    serverFaultsOnly: true,
  },
  rule('timeout', /timed out waiting for llama|timeout reached|gateway time-?out/),
  rule(
    'model_loading',
    // "error loading model" and its kind are final.
    /(?<!error )(?<!failed )(?<!while )(?<!down)loading model/,
    /is currently loading|model is loading|warming up/,
    /is downloading|downloading (?:the )?(?:model|weights)/,
  ),
  rule(
    'overloaded',
    /overloaded|server busy|maximum pending requests|queue is full|no slots? available|currently scaling/,
    /engine(?:core)? [^\n]{0,80}overload/,
    /model limit reached|aborted by a higher priority request/,
  ),
  rule(
    'quota_exhausted',
    /exceeded your current quota|plan and billing details/,
    /credit balance is too low|exceeded your monthly included credits/,
    /spend(?:ing)? limit|(?:api|session|weekly|monthly|account|workspace|organization|project) usage limit/,
  ),
  rule(
    'model_not_found',
    /\bmodel\b[^\n]{0,200}(?:not found|does not exist)/,
    /no models loaded|model is not loaded|unable to access model|failed to load embedding model/,
    /incompatible with your version of ollama/,
    /not found for account|not supported by any provider you have enabled/,
  ),
  rule('content_filtered', /flagged as potentially violating|content filtering policy|content management policy/),
  rule('bad_response', /contains? nan\b|unsupported value: nan/),
  rule(
    'unsupported',
    /does not support\b|(?:image input|grammar|image urls) (?:is|are) not (?:currently )?supported/,
    /n > 1 is not supported|only one completion choice|unsupported content part type|cannot use tools with stream/,
    /tools? param requires|tool_choice param requires/,
    // llama.cpp gives as many choices as it has slots.
    /^field 'n': value must be between/,
    // vLLM and SGLang: which efforts they take depends on version and model.
    /'loc': \('body', 'reasoning_effort'\)/,
    // LM Studio fetches no image, and reads few formats.
    /'url' field must be a base64 encoded image/,
    // vLLM, started without a tool parser, or with a model that sees no images, or fewer.
    /requires --(?:enable-auto-tool-choice|tool-call-parser)\b/,
    /is not a multimodal model|^at most \d{1,6} \w{1,20}\(s\) may be provided/,
    /not (?:appear to be )?an embedding model|does not logits computation|is not oai compatible/,
    /grammar is not valid|template error|missing template va|chat template/,
    /maximum allowed batch size \d{1,20}$/,
    // LM Studio, with status 200, for a path that it does not have.
    /^unexpected endpoint or method/,
    /^unsupported (?:parameter|value): '/,
    // Anthropic's models differ in what they take; another one may take it.
    /not supported (?:for|on) this model|is deprecated for this model|cannot both be specified for this model/,
    /which is the maximum allowed number of output tokens/,
  ),
  rule(
    'bad_request',
    /^\[json\.exception\.|^failed to parse messages|^'\w{1,40}' is required/,
    /input validation error|^\d{1,6} validation errors?|^tool error|exceeds the maximum allowed batch size/,
    /^invalid character |^json: cannot unmarshal|^missing request body|^failed to deserialize the json body/,
    /^option "[^"\n]{0,80}" must be of type|^invalid format: |^cannot use (?:both|custom)/,
    /^invalid model name|^model is required|^expected '\w{1,40}' to be/,
  ),
  rule('unavailable', /model has crashed/),
];

/** Error codes and types (lower case) that settle the matter whatever the text says. */
export const decisiveTypes: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ...keysFor('quota_exhausted', [
    'insufficient_quota',
    'credit_balance_exhausted',
    'organization_spend_limit_exceeded',
    'organization_usage_limit_exceeded',
    'project_spend_limit_exceeded',
    'project_usage_limit_exceeded',
    'enforced_spend_limit_reached',
    'billing_error',
  ]),
  // Our own word, from a router that this one stands in front of.
  ...keysFor('loop_detected', ['loop_detected']),
  ...keysFor('context_length', ['context_length_exceeded', 'exceed_context_size_error', 'model_context_window_exceeded']),
  ...keysFor('overloaded', ['overloaded_error', 'overloaded', 'server_overloaded', 'slow_down']),
  ...keysFor('content_filtered', ['invalid_prompt', 'content_filter', 'content_policy_violation']),
  ...keysFor('model_not_found', ['model_not_found', 'model_not_supported', 'model_not_available']),
  ...keysFor('auth', ['invalid_api_key', 'authentication_error', 'permission_error', 'unsupported_country_region_territory']),
  ...keysFor('unsupported', ['unsupported_parameter', 'unsupported_value', 'not_supported_error', 'feature_disabled', 'template_error']),
]);

/** Error codes and types (lower case) that count where the text said nothing, but more than the status. */
export const plainTypes: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ...keysFor('rate_limited', ['rate_limit_exceeded', 'rate_limit_error']),
  ...keysFor('timeout', ['timeout_error']),
  ...keysFor('bad_request', ['string_above_max_length', 'request_too_large', 'validation', 'tool_error', 'batch size exceeded', 'empty']),
  ...keysFor('unavailable', ['healthcheck', 'unhealthy', 'conflict_error', 'generation', 'backend', 'incomplete_generation']),
]);

/** Statuses that error types (lower case) stand for, read only inside a stream or a 200, where none came with the answer. */
export const impliedStatus: ReadonlyMap<string, number> = new Map([
  ...keysFor(400, ['invalid_request_error', 'badrequesterror', 'badrequest', 'bad request']),
  ...keysFor(404, ['not_found_error', 'notfounderror']),
  ...keysFor(422, ['unprocessableentityerror', 'tokenizer']),
  ...keysFor(500, ['server_error', 'api_error', 'internal_server_error', 'internalservererror']),
  ...keysFor(501, ['notimplementederror']),
  ...keysFor(503, ['unavailable_error', 'service unavailable']),
]);

function keysFor<const Value>(value: Value, keys: readonly string[]): [string, Value][] {
  return keys.map((key) => [key, value]);
}

/** What a bare status means. 504 without a word about time is a server fault: proxies send it for dead upstreams too. */
export function codeOfStatus(status: number): ErrorCode {
  switch (status) {
    case 400:
    case 413:
    case 422:
      return 'bad_request';
    case 401:
    case 403:
      return 'auth';
    case 402:
      return 'quota_exhausted';
    case 405:
    case 415:
    case 501:
      return 'unsupported';
    case 408:
    case 425:
    case 499:
      return 'timeout';
    case 429:
      return 'rate_limited';
    case 503:
    case 529:
      return 'overloaded';
    case 409:
    case 424:
      return 'unavailable';
    default:
      return status >= 500 && status <= 599 ? 'unavailable' : 'bad_response';
  }
}
