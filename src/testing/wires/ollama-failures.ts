import type { Memory } from '../script.ts';
import { type FailureRow, type Failures, modelOf } from './failures.ts';

const row = (status: number, error: string, more: Readonly<Record<string, string>> = {}): FailureRow => ({
  status,
  body: { error, ...more },
});

const running = 'an error was encountered while running the model:';
const stopped =
  'model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details';

/** The last lines of llama-server's own log, as the scheduler hands them on (0.30 and newer); `host` is the check of older servers. */
const atLoad: Readonly<Record<Memory, string>> = {
  cuda: [
    'llama-server process has terminated: exit status 1: ggml_backend_cuda_buffer_type_alloc_buffer: allocating 8192.00 MiB on device 0: cudaMalloc failed: out of memory',
    'ggml_gallocr_reserve_n: failed to allocate CUDA0 buffer of size 8589934592',
  ].join('\n'),
  vulkan: [
    'llama-server process has terminated: exit status 1: ggml_vulkan: Device memory allocation of size 4199040000 failed.',
    'ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory',
  ].join('\n'),
  rocm: 'llama-server process has terminated: exit status 1: ROCm error: out of memory',
  host: 'model requires more system memory (5.6 GiB) than is available (3.2 GiB)',
};

/** The same while an answer is being made. */
const atRun: Readonly<Record<Memory, string>> = {
  cuda: `${running} CUDA error: out of memory`,
  vulkan: `${stopped}: ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory`,
  rocm: `${running} ROCm error: out of memory`,
  host: `${stopped}: signal: killed`,
};

/** llama-server's whole answer, which stands as text in the one of the server. */
const tooLong = JSON.stringify({
  error: {
    code: 400,
    message: 'request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it',
    type: 'exceed_context_size_error',
    n_prompt_tokens: 5000,
    n_ctx: 4096,
  },
});

/**
 * The literal words of the server's sources; of its cloud, those that users have reported. Models load inside the call, so it has no
 * word for loading, and its limits per time are no credit.
 */
export const ollamaFailures: Failures = {
  shape: (_, message) => ({ error: message }),
  // The line takes the place of the next one, and then the body ends.
  inStream: ({ body }, { kind, memory = 'cuda' }) => `${JSON.stringify(kind === 'out-of-memory' ? { error: atRun[memory] } : body)}\n`,
  deadly: [],
  inOpenedStream: [],
  rows: {
    'out-of-memory': ({ memory = 'cuda' }) => row(500, atLoad[memory]),
    driver: row(500, `${running} CUDA error: an illegal memory access was encountered`),
    'queue-full': row(503, 'server busy, please try again.  maximum pending requests exceeded'),
    'rate-limit': row(429, "you've reached your hourly usage limit, please wait or upgrade to continue"),
    auth: row(401, 'unauthorized', { signin_url: 'https://ollama.com/connect?name=fake&key=ZmFrZQ' }),
    'model-missing': (_, call) => row(404, `model '${modelOf(call)}' not found`),
    'context-length': row(400, tooLong),
    // The status is a server's; only the words tell whose fault it is.
    'bad-request': row(500, 'option "temperature" must be of type float32'),
    server: row(500, `${running} unexpected EOF`),
  },
};
