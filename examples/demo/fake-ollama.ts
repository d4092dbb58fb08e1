import { OllamaError, type OllamaServer, startOllamaServer } from './ollama-server.ts';

/** Ollama's own words since 0.30, with the last lines of the process that could not load the model. */
const outOfMemory = [
  'llama-server process has terminated: exit status 1: ggml_backend_cuda_buffer_type_alloc_buffer: ' +
    'allocating 8192.00 MiB on device 0: cudaMalloc failed: out of memory',
  'ggml_gallocr_reserve_n: failed to allocate CUDA0 buffer of size 8589934592',
].join('\n');

/** The played GPU: an Ollama that lists a model and has no memory for it. */
export function startFakeOllama(): Promise<OllamaServer> {
  return startOllamaServer({
    models: [{ name: 'tiny:8b', sizeBytes: 4_920_753_328 }],
    chat: () => refusal(500, outOfMemory),
  });
}

/** The played cloud. It costs money and nobody agreed to that, so it must never be asked for an answer. */
export function startFakeCloud(): Promise<OllamaServer> {
  return startOllamaServer({
    models: [{ name: 'tiny-large', sizeBytes: 0 }],
    chat: () => refusal(402, 'payment required'),
  });
}

// oxlint-disable-next-line eslint/require-yield
async function* refusal(status: number, message: string): AsyncGenerator<string> {
  throw new OllamaError(status, message);
}
