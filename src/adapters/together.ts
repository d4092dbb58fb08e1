import type { Adapter } from '../core/adapter.ts';
import { type NetworkContext, openaiCompatible } from './openai-compatible.ts';

export const together: (context: NetworkContext) => Adapter = openaiCompatible({ name: 'together', capabilities: {} });
