import { type ErrorLiteral, says } from './row.ts';

const allocation = 'ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4096.00 MiB on device 0: cudaMalloc failed: out of memory';
const torch =
  'CUDA out of memory. Tried to allocate 232.00 MiB. GPU 0 has a total capacity of 23.57 GiB of which 154.25 MiB is free. Including non-PyTorch memory, this process has 23.40 GiB memory in use.';
const abort = (what: string): string =>
  `CUDA error: ${what}\n  current device: 0, in function ggml_cuda_op_mul_mat at /x/ggml-cuda.cu:123\n  cudaStreamSynchronize(stream)\nggml-cuda.cu:106: CUDA error`;

const memory = [
  allocation,
  `ROCm error: out of memory\n${allocation}`,
  abort('out of memory'),
  'ggml_gallocr_reserve_n: failed to allocate CUDA0 buffer of size 4571325856',
  'failed to allocate buffer for kv cache',
  'failed to allocate compute pp buffers',
  'unable to allocate CUDA0 buffer',
  'llama_model_load: error loading model: unable to allocate CUDA0 buffer',
  'ggml_vulkan: Device memory allocation of size 118497280 failed.\nggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory',
  'ggml_metal_buffer_init: error: failed to allocate buffer, size = 4096.00 MiB',
  'ggml_backend_cann_buffer_type_alloc_buffer: aclrtMalloc failed: x',
  `torch.OutOfMemoryError: ${torch}`,
  'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 16.00 MiB (GPU 0; 22.20 GiB total capacity)',
  'torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 GiB',
  'XPU out of memory. Tried to allocate 2.00 GiB',
  'MPS backend out of memory (MPS allocated: 17.00 GB)',
  'CUBLAS_STATUS_ALLOC_FAILED',
  "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 4294967296 bytes.",
  'mmap failed: Cannot allocate memory',
  'llama runner process has terminated: signal: killed',
  'exit status 137',
  // The rest of the pattern list, which quotes servers' own matchers.
  'hipMalloc failed',
  'VK_ERROR_OUT_OF_DEVICE_MEMORY',
  'VK_ERROR_OUT_OF_HOST_MEMORY',
  'out of device memory',
  'hipErrorOutOfMemory',
  'insufficient memory',
  'No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.',
  'Free memory on device (1.2/24 GiB) on startup is less than desired GPU memory utilization (0.9, 21.6 GiB).',
];

const driver = [
  abort('an illegal memory access was encountered'),
  'ggml_cuda_init: failed to initialize CUDA: CUDA driver version is insufficient for CUDA runtime version',
  'ggml_vulkan: device lost on NVIDIA GeForce',
  "terminate called after throwing an instance of 'vk::DeviceLostError'",
  'vk::Queue::submit: ErrorDeviceLost',
  'CUBLAS_STATUS_NOT_INITIALIZED',
  'CUBLAS_STATUS_EXECUTION_FAILED',
  'CUDA error: no kernel image is available for execution on the device',
  'CUDA error: device-side assert triggered',
  'CUDA error: unspecified launch failure',
  'NCCL error: unhandled system error',
  'ErrorInitializationFailed',
  'hipErrorNoBinaryForGpu',
  'could not load libcublas.so.12',
  'could not load libcuda.so.1',
  'cuDNN error: CUDNN_STATUS_EXECUTION_FAILED',
];

/** Lines that a load writes whatever made it fail, or that it writes and goes on: their text is no evidence. */
const neither = [
  // The table says "oom", but the same two lines end the load of a broken or unknown file.
  'llama_model_load: error loading model: x',
  'llama_model_load_from_file_impl: failed to load model',
  'llama_init_from_model: compute buffer allocation failed, retrying without pipeline parallelism',
  'ggml_gallocr_reserve_n: failed to allocate CUDA0 buffer of size 1\ncompute buffer allocation failed, retrying without pipeline parallelism\nexit status 2',
];

export const gpu: readonly ErrorLiteral[] = [
  ...memory.map((message) => says(message.slice(0, 60), 500, { error: message }, 'out_of_memory')),
  ...driver.map((message) => says(message.slice(0, 60), 500, { error: message }, 'driver')),
  ...neither.map((message) => says(message.slice(0, 60), 500, { error: message }, 'unavailable')),
  says('retried, then out of memory', 500, { error: `retrying without pipeline parallelism\n${allocation}` }, 'out_of_memory'),
  says('generated text is no error', 'stream', { choices: [{ message: { content: 'CUDA out of memory' } }], error: null }, undefined),
];
