import type { EmbedUsage, Usage } from '../core/types.ts';
import { isTruncated, noteTokens, surelyAtLeast } from '../routing/tokens.ts';
import type { ProviderBooks } from './provider-facts.ts';

/** That it cuts prompts is believed for half an hour; to find out that it still does costs the beginning of one. */
const cutMs = 1_800_000;

/**
 * Learns from the server's count how many tokens a prompt has there. Gives what the prompt must have had at least, where the server
 * counted so few that it has dropped a part in silence; prompts as long as that are not sent there for a while.
 */
export function noteUsage(
  { state, adapter, router }: Pick<ProviderBooks, 'state' | 'adapter' | 'router'>,
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
    const nowMs = router.clock.nowMs();
    const known = model.cut !== undefined && model.cut.untilMs > nowMs ? model.cut.atTokens : Infinity;
    model.cut = { atTokens: Math.min(known, least), untilMs: nowMs + cutMs };
    return least;
  }
  // What images, schemas and tools that must not be called count as says nothing of texts.
  if (textTokens === promptTokens) model.tokenRatio = noteTokens(model.tokenRatio, textTokens, counted);
  return undefined;
}
