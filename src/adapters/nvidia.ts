import type { Adapter } from '../core/adapter.ts';
import { type NetworkContext, openaiCompatible } from './openai-compatible.ts';

export const nvidia: (context: NetworkContext) => Adapter = openaiCompatible({ name: 'nvidia', capabilities: {} });
