import { type ErrorLiteral, says } from './row.ts';

const error = (message: string, type: string): object => ({ error: message, error_type: type });
/** TGI's Messages API gives this status inside a stream whatever the fault is. */
const streamed = (message: string): object => ({ error: { message, http_status_code: 422 } });

const failed = 'Request failed during generation: Server error:';
const cudaMemory = `${failed} CUDA out of memory. Tried to allocate 16.00 MiB (GPU 0; 22.20 GiB total capacity)`;
const cudaAccess = `${failed} Unexpected <class 'RuntimeError'>: CUDA error: an illegal memory access was encountered`;
const tooManyTokens =
  'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 200 `max_new_tokens`';
const tooLong = 'Input validation error: `inputs` must have less than 1024 tokens. Given: 1500';

export const tgi: readonly ErrorLiteral[] = [
  says('overloaded', 429, error('Model is overloaded', 'overloaded'), 'overloaded'),
  says('overloaded, in the stream', 'stream', streamed('Model is overloaded'), 'overloaded'),
  says('overloaded, in the native stream', 'stream', error('Model is overloaded', 'overloaded'), 'overloaded'),
  says('GPU OOM', 424, error(cudaMemory, 'generation'), 'out_of_memory'),
  says('GPU OOM, in the stream', 'stream', streamed(cudaMemory), 'out_of_memory'),
  says('other GPU error', 424, error(cudaAccess, 'generation'), 'driver'),
  says('other GPU error, in the stream', 'stream', streamed(cudaAccess), 'driver'),
  says('shard gone', 424, error(`${failed} transport error`, 'generation'), 'unavailable'),
  says('shard unreachable', 424, error('Could not connect to Text Generation server: x', 'generation'), 'unavailable'),
  says('shard gone, in the stream', 'stream', streamed(`${failed} transport error`), 'unavailable'),
  says('validation', 422, error('Input validation error: `temperature` must be strictly positive', 'validation'), 'bad_request'),
  says('validation, in the stream', 'stream', streamed('Input validation error: `temperature` must be strictly positive'), 'bad_request'),
  says('context with answer', 422, error(tooManyTokens, 'validation'), 'context_length'),
  says('context', 422, error(tooLong, 'validation'), 'context_length'),
  says('context, in the stream', 'stream', streamed(tooLong), 'context_length'),
  says('grammar', 422, error('Input validation error: grammar is not valid: x', 'validation'), 'unsupported'),
  says('no grammar', 422, error('grammar is not supported', 'validation'), 'unsupported'),
  says('template', 422, error('Template error: x', 'template_error'), 'unsupported'),
  says('template variable', 422, error('Missing template vatiable: x', 'template_error'), 'unsupported'),
  says('template, in the stream', 'stream', streamed('Template error: x'), 'unsupported'),
  says('tool', 422, error('Tool error: x', 'tool_error'), 'bad_request'),
  says('tool, in the stream', 'stream', streamed('Tool error: x'), 'bad_request'),
  says('incomplete', 500, error('Incomplete generation', 'incomplete_generation'), 'unavailable'),
  says('incomplete, in the stream', 'stream', error('Incomplete generation', 'incomplete_generation_stream'), 'unavailable'),
  says('unhealthy', 503, error('unhealthy', 'healthcheck'), 'unavailable'),
  says('auth', 401, '', 'auth'),
  says('client batch', 422, error('Number of prompts exceeds the maximum allowed batch size of 4', 'batch size exceeded'), 'bad_request'),
  says(
    'start-up OOM',
    500,
    error('Not enough memory to handle 4096 prefill tokens. You need to decrease `--max-batch-prefill-tokens`', 'generation'),
    'out_of_memory',
  ),
  says('malformed JSON', 422, 'Failed to deserialize the JSON body into the target type: x', 'bad_request', {
    'content-type': 'text/plain',
  }),
];

export const tei: readonly ErrorLiteral[] = [
  says('overloaded', 429, error('Model is overloaded', 'Overloaded'), 'overloaded'),
  says('overloaded, OpenAI route', 429, { message: 'Model is overloaded', code: 429, type: 'Overloaded' }, 'overloaded'),
  says('overloaded, lower case as documented', 429, { message: 'Model is overloaded', code: 429, type: 'overloaded' }, 'overloaded'),
  // Refused as too much for this server alone, so another one may take it.
  says('batch too big', 422, error('batch size 64 > maximum allowed batch size 32', 'Validation'), 'unsupported'),
  says(
    'input too long',
    422,
    error('Input validation error: `inputs` must have less than 512 tokens. Given: 700', 'Validation'),
    'context_length',
  ),
  says('not an embedding model', 424, error('Backend error: Model is not an embedding model', 'Backend'), 'unsupported'),
  says('GPU OOM', 424, error('Backend error: DriverError(CUDA_ERROR_OUT_OF_MEMORY, "out of memory")', 'Backend'), 'out_of_memory'),
  says('GPU error', 424, error('Backend error: CUDA error: device-side assert triggered', 'Backend'), 'driver'),
  says('other backend error', 424, error('Backend error: x', 'Backend'), 'unavailable'),
  says('empty input', 400, error('Input validation error: `inputs` cannot be empty', 'Empty'), 'bad_request'),
  says('unhealthy', 503, error('unhealthy', 'Unhealthy'), 'unavailable'),
  says('auth', 401, '', 'auth'),
];
