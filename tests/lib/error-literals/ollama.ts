import { type ErrorLiteral, inError, says } from './row.ts';

const error = (message: string): object => ({ error: message });
/** Ollama since 0.30 hands the whole error JSON of its llama-server on as a string. */
const nested = (code: number, message: string, type: string): object =>
  error(JSON.stringify({ error: { code, message, type, n_prompt_tokens: 5000, n_ctx: 4096 } }));

const resources = 'this may be due to resource limitations or an internal error, check ollama server logs for details';
const cudaAllocation = 'ggml_backend_cuda_buffer_type_alloc_buffer: allocating 8192.00 MiB on device 0: cudaMalloc failed: out of memory';
const vulkanAllocation = 'ggml_vulkan: Device memory allocation of size 4199040000 failed.';

const load: ErrorLiteral[] = [
  says('RAM check at load', 500, error('model requires more system memory (5.6 GiB) than is available (3.2 GiB)'), 'out_of_memory'),
  says('GPU layout', 500, error('memory layout cannot be allocated'), 'out_of_memory'),
  says('GPU layout with num_gpu', 500, error('memory layout cannot be allocated with num_gpu = 99'), 'out_of_memory'),
  says('GPU layout, all layers', 500, error('unable to load full model on GPU'), 'out_of_memory'),
  says('allocation for the model', 500, error('failed to allocate memory for model'), 'out_of_memory'),
  says('commit for the model', 500, error('failed to commit memory for model'), 'out_of_memory'),
  ...(
    [
      ['cudaMalloc failed: out of memory', 'out_of_memory'],
      ['CUDA error: out of memory', 'out_of_memory'],
      ['error loading model: unable to allocate CUDA0 buffer', 'out_of_memory'],
      ['GGML_ASSERT(tensor->data != nullptr) failed', 'driver'],
      ['exit status 2', 'unavailable'],
      ['signal: killed', 'out_of_memory'],
      ['exit status 137', 'out_of_memory'],
      ['error loading model: unknown model architecture', 'unavailable'],
    ] as const
  ).map(([suffix, code]) => says('runner died at load', 500, error(`llama runner process has terminated: ${suffix}`), code)),
  says('generic load failure: a suspicion only', 500, error(`model failed to load, ${resources}`), 'unavailable'),
  says(
    'llama-server died at load',
    500,
    error(
      `llama-server process has terminated: exit status 1: load_tensors: loading\n${cudaAllocation}\nfailed to allocate CUDA0 buffer of size 1`,
    ),
    'out_of_memory',
  ),
  says('llama-server died at load, no reason', 500, error('llama-server process has terminated: exit status 1: '), 'unavailable'),
  says('OOM while health polling', 500, error('llama-server reported out-of-memory during startup: x'), 'out_of_memory'),
  says(
    'Vulkan OOM',
    500,
    error(`llama runner process has terminated: ${vulkanAllocation}\nggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory`),
    'out_of_memory',
  ),
  says(
    'Vulkan OOM by limit',
    500,
    error('ggml_vulkan: Requested buffer size exceeds device buffer size limit: ErrorOutOfDeviceMemory'),
    'out_of_memory',
  ),
  says('ROCm', 500, error('llama runner process has terminated: ROCm error: out of memory'), 'out_of_memory'),
  says('load timeout', 500, error('timed out waiting for llama-server to start - '), 'timeout'),
  says('load timeout, old', 500, error('timed out waiting for llama runner to start - progress 0.00 - '), 'timeout'),
  says(
    'file incompatible',
    500,
    error(
      'llama runner process has terminated: error loading model: this model may be incompatible with your version of Ollama. If you previously pulled this model, try updating it by running `ollama pull x`',
    ),
    'model_not_found',
  ),
  says('slots', 500, error('no slots available after 10 retries'), 'overloaded'),
  says('slots, loading', 500, error('unexpected server status: llm server loading model'), 'model_loading'),
];

const running: ErrorLiteral[] = [
  says('runner stopped', 500, error(`model runner has unexpectedly stopped, ${resources}`), 'unavailable'),
  says('runner stopped, in the stream', 'stream', error(`model runner has unexpectedly stopped, ${resources}`), 'unavailable'),
  says(
    'runner stopped, with its words',
    'stream',
    error(`model runner has unexpectedly stopped, ${resources}: CUDA error: out of memory`),
    'out_of_memory',
  ),
  says(
    'runtime driver fault',
    'stream',
    error('an error was encountered while running the model: CUDA error: unspecified launch failure'),
    'driver',
  ),
  says('runtime OOM', 'stream', error('an error was encountered while running the model: CUDA error: out of memory'), 'out_of_memory'),
  says('runner cut off', 'stream', error('an error was encountered while running the model: unexpected EOF'), 'unavailable'),
  says('queue full', 503, error('server busy, please try again.  maximum pending requests exceeded'), 'overloaded'),
];

const refused: ErrorLiteral[] = [
  says('model missing', 404, error("model 'x' not found"), 'model_not_found'),
  says('model missing, via scheduler', 404, error('model "x" not found, try pulling it first'), 'model_not_found'),
  says('bad name', 400, error('invalid model name'), 'bad_request'),
  says('no name', 400, error('model is required'), 'bad_request'),
  says(
    'prompt too long, native path',
    400,
    nested(400, 'request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it', 'exceed_context_size_error'),
    'context_length',
  ),
  says(
    'prompt too long, rendered path',
    400,
    error(
      'the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the context length in settings, or use a model with a longer context length',
    ),
    'context_length',
  ),
  says('prompt too long, truncate off', 400, error('the input length exceeds the context length'), 'context_length'),
  says('input too long to embed', 400, error('input exceeds maximum context length and cannot be truncated further'), 'context_length'),
  says('input too long to embed, old', 400, error('input length exceeds maximum context length'), 'context_length'),
  says('tools unsupported', 400, error('registry.ollama.ai/library/gemma:2b does not support tools'), 'unsupported'),
  says('think unsupported', 400, error('"gemma:2b" does not support thinking'), 'unsupported'),
  says('embedding model used for chat', 400, error('"nomic-embed-text" does not support chat'), 'unsupported'),
  says('embedding model used to generate', 400, error('"nomic-embed-text" does not support generate'), 'unsupported'),
  says('chat model used for embed', 501, error('This server does not support embeddings. Start it with `--embeddings`'), 'unsupported'),
  says('chat model used for embed, old', 501, error('this model does not support embeddings'), 'unsupported'),
  says(
    'image to text-only model',
    500,
    nested(500, 'image input is not supported - hint: if this is unexpected, you may need to provide the mmproj', 'server_error'),
    'unsupported',
  ),
  says('malformed JSON', 400, error("invalid character 'x' looking for beginning of value"), 'bad_request'),
  says(
    'wrong type',
    400,
    error('json: cannot unmarshal string into Go struct field ChatRequest.messages of type []api.Message'),
    'bad_request',
  ),
  says('empty body', 400, error('missing request body'), 'bad_request'),
  says('bad option type', 500, error('option "temperature" must be of type float32'), 'bad_request'),
  says('bad format', 500, error('invalid format: "x"; expected "json" or a valid JSON Schema object'), 'bad_request'),
  says('cloud model, not signed in', 401, { error: 'unauthorized', signin_url: 'https://ollama.com/connect?name=a&key=b' }, 'auth'),
  says('cloud disabled', 403, error('ollama cloud is disabled: remote model is unavailable'), 'auth'),
  says('cloud unreachable', 502, error('upstream'), 'unavailable'),
  says('cloud limits', 429, error('too many requests'), 'rate_limited'),
  ...['session', 'weekly'].map((span) =>
    says(`cloud plan: ${span}`, 429, error(`you have reached your ${span} usage limit`), 'quota_exhausted'),
  ),
  says('Host header not allowed', 403, '', 'auth'),
  says('client went away', 499, error('request canceled'), 'timeout'),
  says(
    'image by address',
    400,
    inError('image URLs are not currently supported, please use base64 encoded data instead', 'invalid_request_error'),
    'unsupported',
  ),
  says('OpenAI route, model missing', 404, inError("model 'x' not found", 'not_found_error'), 'model_not_found'),
  says(
    'OpenAI route, queue full',
    503,
    inError('server busy, please try again.  maximum pending requests exceeded', 'api_error'),
    'overloaded',
  ),
  says('OpenAI route, bad name', 400, inError('invalid model name', 'invalid_request_error'), 'bad_request'),
  says('not a number in an embedding', 500, error('failed to encode response: json: unsupported value: NaN'), 'bad_response'),
  says('not a number in an embedding, checked', 400, error('embedding contains NaN or Inf values'), 'bad_response'),
];

export const ollama: readonly ErrorLiteral[] = [...load, ...running, ...refused];
