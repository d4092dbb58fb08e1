import type { Adapter } from '../core/adapter.ts';
import { type NetworkContext, openaiCompatible } from './openai-compatible.ts';

export const lmstudio: (context: NetworkContext) => Adapter = openaiCompatible({ name: 'lmstudio', capabilities: {} });
