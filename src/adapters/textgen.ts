import type { Adapter } from '../core/adapter.ts';
import { type NetworkContext, openaiCompatible } from './openai-compatible.ts';

export const textgen: (context: NetworkContext) => Adapter = openaiCompatible({ name: 'textgen', capabilities: {} });
