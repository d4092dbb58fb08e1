import type { Adapter } from '../core/adapter.ts';
import { type NetworkContext, openaiCompatible } from './openai-compatible.ts';

export const tei: (context: NetworkContext) => Adapter = openaiCompatible({ name: 'tei', capabilities: {} });
