import type { Adapter } from '../core/adapter.ts';
import type { EmbedUsage, Usage } from '../core/types.ts';
import { isTruncated, noteTokens, surelyAtLeast } from '../routing/tokens.ts';
import type { ProviderState } from './provider-state.ts';

/**
 * Learns from the server's count how many tokens a prompt has there. Gives what the prompt must have had at least, where the server
 * counted so few that it has dropped a part in silence; prompts as long as that are not sent there again.
 */
export function noteUsage(
  { state, adapter }: { readonly state: ProviderState; readonly adapter: Adapter },
  name: string | undefined,
  textTokens: number,
  promptTokens: number,
  { prompt_tokens: counted }: Usage | EmbedUsage,
): number | undefined {
  // A prompt that was cached whole is counted as none by some.
  if (!(counted > 0) || !(textTokens > 0)) return undefined;
  const model = state.models.of(name);
  const least = surelyAtLeast(textTokens, model.tokenRatio);
  if (adapter.cutsPrompts && isTruncated(least, counted)) {
    model.cutAtTokens = Math.min(model.cutAtTokens ?? Infinity, least);
    return least;
  }
  // What images and schemas count as says nothing of texts.
  if (textTokens === promptTokens) model.tokenRatio = noteTokens(model.tokenRatio, textTokens, counted);
  return undefined;
}
