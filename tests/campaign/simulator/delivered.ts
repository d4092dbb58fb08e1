import { isRouterError } from '../../../src/index.ts';
import type { CallResult, Segment } from './caller.ts';
import type { RequestRecord } from './ledger.ts';
import type { UpstreamCall } from './upstream.ts';
import type { Complain } from './violations.ts';

/** Holds what one caller got against what the fake backends sent. */
export function checkDelivered(
  result: CallResult,
  record: RequestRecord | undefined,
  calls: readonly UpstreamCall[],
  mode: 'error' | 'restart' | 'continue',
  complain: Complain,
): void {
  const { plan, outcome } = result;
  const who = `request ${plan.index}`;
  if (plan.verb === 'embed') {
    if (outcome === 'answer' && result.vectors !== plan.inputs) complain('whole before its end', `${who}: ${result.vectors} vectors`);
    return;
  }
  const sources = result.segments.map((segment) => sourceOf(segment, calls));
  result.segments.forEach((segment, index) => {
    if (segment.text !== '' && sources[index] === undefined) {
      complain('text of one answer', `${who}: no answer begins with "${segment.text.slice(0, 120)}"`);
    }
  });
  checkNotices(result, mode, complain);
  if (outcome === 'answer') checkWhole(result, sources, complain);
  else if (outcome === 'error') checkError(result, record, complain);
  const last = result.contentOrder;
  const after = last === undefined ? undefined : calls.find(({ order }) => order > last);
  if (after !== undefined && mode === 'error') complain('nobody else after content', `${who}: call ${after.number} came after content`);
}

/** The call upstream whose answer begins with this text, and that had sent it. */
function sourceOf({ text }: Segment, calls: readonly UpstreamCall[]): UpstreamCall | undefined {
  if (text === '') return undefined;
  return calls.find(({ tokens, tokensSent }) => tokens.slice(0, tokensSent).join('').startsWith(text));
}

function checkNotices({ segments, plan }: CallResult, mode: 'error' | 'restart' | 'continue', complain: Complain): void {
  for (const { notice } of segments.slice(1)) {
    const fits = (notice?.type === 'reset' && mode !== 'error') || (notice?.type === 'resumed' && mode === 'continue');
    if (!fits) complain('text of one answer', `request ${plan.index}: a notice "${notice?.type}" with ${mode}`);
  }
  // Text that was taken up goes on with the next token.
  segments.forEach(({ notice, text }, index) => {
    if (notice?.type !== 'resumed' || text === '') return;
    const before = segments.slice(0, index).findLast((each) => each.text !== '');
    const [from, to] = [lastCount(before?.text ?? ''), Number(/:t(\d+)/.exec(text)?.[1] ?? -1)];
    if (from + 1 !== to) complain('text of one answer', `request ${plan.index}: token ${to} follows token ${from}`);
  });
}

function lastCount(text: string): number {
  return Number([...text.matchAll(/:t(\d+)/g)].at(-1)?.[1] ?? -1);
}

function checkWhole({ segments, plan }: CallResult, sources: readonly (UpstreamCall | undefined)[], complain: Complain): void {
  const source = sources.findLast((each) => each !== undefined);
  const text = segments.findLast((each) => each.text !== '')?.text;
  if (source === undefined) complain('whole before its end', `request ${plan.index}: an end without content`);
  else if (!source.isWhole) complain('whole before its end', `request ${plan.index}: call ${source.number} had not said its last word`);
  else if (text !== source.tokens.join('')) complain('whole before its end', `request ${plan.index}: part of the answer is missing`);
}

/** A stream that breaks after content says so, in the caller's own words where the caller ended it. */
function checkError({ plan, contentOrder, error, abortedAtMs }: CallResult, record: RequestRecord | undefined, complain: Complain): void {
  if (record !== undefined && record.end === 'error' && record.error !== error) {
    complain('settles once', `request ${plan.index}: the event tells another error than the caller gets`);
  }
  if (contentOrder === undefined || abortedAtMs !== undefined || plan.verb !== 'stream') return;
  // A bug of an adapter that was to take over comes through as it is.
  const isBug = !isRouterError(error) && record?.attempts.at(-1)?.error === error;
  const isTyped = isBug || isRouterError(error, 'stream_interrupted') || isRouterError(error, 'closed');
  if (!isTyped)
    complain('settles once', `request ${plan.index}: broke with ${isRouterError(error) ? error.code : String(error)} after content`);
}
