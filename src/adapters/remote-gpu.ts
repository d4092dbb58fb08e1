import type { Adapter } from '../core/adapter.ts';
import { type NetworkContext, openaiCompatible } from './openai-compatible.ts';

export const remoteGpu: (context: NetworkContext) => Adapter = openaiCompatible({ name: 'remote-gpu', capabilities: {} });
