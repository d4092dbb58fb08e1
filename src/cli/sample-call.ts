import { type CallOptions, type ChatRequest, type Clock, isRouterError, type Router } from '../index.ts';
import type { Sample } from './bench-figures.ts';

/** One call, measured. What a provider fails with is a figure as well; an abort ends everything. */
export async function sampleCall(router: Router, request: ChatRequest, options: CallOptions, clock: Clock): Promise<Sample> {
  const startMs = clock.nowMs();
  let firstMs: number | undefined;
  let pieces = 0;
  let tokens: number | undefined;
  try {
    const stream = await router.stream(request, options);
    for await (const { choices, usage } of stream) {
      const delta = choices[0]?.delta;
      if ((delta?.content ?? delta?.reasoning_content ?? '') !== '') {
        firstMs ??= clock.nowMs() - startMs;
        pieces += 1;
      }
      tokens = usage?.completion_tokens ?? tokens;
    }
    const totalMs = clock.nowMs() - startMs;
    const { provider, model, queuedMs } = stream.route;
    return { totalMs, firstMs, tokens: tokens ?? pieces, isCounted: tokens !== undefined, hasWaited: queuedMs > 0, provider, model };
  } catch (error) {
    if (!isRouterError(error)) throw error;
    const last = error.attempts.at(-1)?.error ?? error;
    return { totalMs: clock.nowMs() - startMs, error: { code: last.code, message: last.message } };
  }
}
