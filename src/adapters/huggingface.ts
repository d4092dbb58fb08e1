import type { Adapter } from '../core/adapter.ts';
import { type NetworkContext, openaiCompatible } from './openai-compatible.ts';

export const huggingface: (context: NetworkContext) => Adapter = openaiCompatible({ name: 'huggingface', capabilities: {} });
