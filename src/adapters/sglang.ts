import type { Adapter } from '../core/adapter.ts';
import { type NetworkContext, openaiCompatible } from './openai-compatible.ts';

export const sglang: (context: NetworkContext) => Adapter = openaiCompatible({ name: 'sglang', capabilities: {} });
