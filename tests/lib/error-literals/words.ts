import type { ErrorCode } from '../../../src/core/error-codes.ts';
import { type ErrorLiteral, says } from './row.ts';

/** Words that the tables quote beside a code or a status, here alone: as they arrive inside a stream. */
const words: Partial<Record<ErrorCode, readonly string[]>> = {
  out_of_memory: ['Device memory allocation of size 118497280 failed.'],
  context_length: [
    'context_length_exceeded',
    'exceed_context_size_error',
    'model_context_window_exceeded',
    'request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it',
    'input (9000 tokens) is larger than the max context size (8192 tokens). skipping',
    'the input length exceeds the limit',
  ],
  driver: [
    'insufficient driver',
    'no kernel image is available for execution on the device',
    'an illegal memory access was encountered',
    'device-side assert triggered',
    'unspecified launch failure',
    'vk::Queue::submit in ggml_vulkan',
    'NCCL error',
  ],
  model_loading: ['Model is loading', 'warming up', 'model x is downloading', 'downloading model', 'downloading the weights'],
  overloaded: [
    'server busy, please try again.',
    'maximum pending requests exceeded',
    'The request queue is full.',
    'The model is currently scaling. Please try again later.',
    'EngineCore reports overload',
    'The request is aborted by a higher priority request.',
  ],
  quota_exhausted: ['You exceeded your current quota.', 'please check your plan and billing details'],
  model_not_found: ['Unable to access model x.', 'try pulling it first: model x not found'],
  content_filtered: ['your prompt was flagged as potentially violating our usage policy', "triggering Azure's content management policy"],
  unsupported: ['Missing template vatiable: x', "Unsupported parameter: 'max_tokens' is not supported with this model."],
  bad_request: [
    "1 validation error:\n  {'type': 'missing'}",
    'Number of prompts exceeds the maximum allowed batch size of 4',
    "invalid character 'x' looking for beginning of value",
    'json: cannot unmarshal string into Go struct field x',
    'missing request body',
    'Failed to deserialize the JSON body into the target type: x',
    'invalid model name',
    'model is required',
    "Expected 'messages' to be an array",
  ],
};

/** Types alone, inside a stream: what the status would have said. */
const types: readonly (readonly [string, ErrorCode])[] = [
  ['invalid_request_error', 'bad_request'],
  ['BadRequestError', 'bad_request'],
  ['not_found_error', 'bad_response'],
  ['UnprocessableEntityError', 'bad_request'],
  ['server_error', 'unavailable'],
  ['NotImplementedError', 'unsupported'],
  ['unavailable_error', 'overloaded'],
  ['rate_limit_error', 'rate_limited'],
  ['timeout_error', 'timeout'],
  ['something_else', 'unavailable'],
];

export const inStreams: readonly ErrorLiteral[] = [
  ...Object.entries(words).flatMap(([code, texts]) =>
    texts.map((text) => says(text.slice(0, 60), 'stream', { error: text }, code as ErrorCode)),
  ),
  ...types.map(([type, code]) => says(`type ${type}`, 'stream', { error: { message: 'x', type } }, code)),
  says('a missing route', 'stream', { detail: 'Not Found' }, 'bad_response'),
];
