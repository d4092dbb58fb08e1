import type { Memory } from '../script.ts';
import type { FailureRow } from './failures.ts';
import { terminator } from './openai-chat.ts';

/** `{"error": {message, type, param, code}}` with a word or null as the code: OpenAI and those who follow it. */
export function openaiError(
  status: number,
  message: string,
  type: string,
  code: string | null = null,
  param: string | null = null,
): FailureRow {
  return { status, body: { error: { message, type, param, code } } };
}

/** An error event, then the terminator that is no proof of success. */
export function errorThenTerminator({ body }: FailureRow): string {
  return `data: ${JSON.stringify(body)}\n\n${terminator}`;
}

/** How memory runs out in the words of PyTorch (`cuda`, `rocm`) and of ggml (`vulkan`, `host`). */
export const memoryWords: Readonly<Record<Memory, string>> = {
  cuda: 'CUDA out of memory. Tried to allocate 232.00 MiB. GPU 0 has a total capacity of 23.57 GiB of which 154.25 MiB is free.',
  rocm: 'HIP out of memory. Tried to allocate 232.00 MiB. GPU 0 has a total capacity of 23.98 GiB of which 118.00 MiB is free.',
  vulkan:
    'ggml_vulkan: Device memory allocation of size 118497280 failed.\nggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory',
  host: 'ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 4571325856',
};
