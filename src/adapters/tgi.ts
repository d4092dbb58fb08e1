import type { Adapter } from '../core/adapter.ts';
import { type NetworkContext, openaiCompatible } from './openai-compatible.ts';

export const tgi: (context: NetworkContext) => Adapter = openaiCompatible({ name: 'tgi', capabilities: {} });
