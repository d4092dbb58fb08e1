import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { ToolSet } from 'ai';

export function tools(): ToolSet {
  return {};
}

/** Its server is played as well. */
export function vendor(): (model: string) => LanguageModelV4 {
  return createOpenAICompatible({ name: 'vendor', baseURL: 'http://vendor.test/v1' });
}
