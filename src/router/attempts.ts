import type { Opened, Verb } from './carry-out.ts';
import { nextCandidate, othersLeft } from './candidates.ts';
import { giveUp, type Run } from './run.ts';
import { tryOnce } from './try-once.ts';
import { isOnly, panic, tryAgain } from './waiting.ts';

/**
 * Tries the candidates of the plan in order, then, where nothing else is left, the same ones again. One loop for chat, stream and
 * embed; a stream that broke comes back to it for its remaining candidates. Rejects with the caller's own abort reason, with the error
 * of a candidate where no other could do better, or with the error of the whole call.
 */
export async function runAttempts<Request, Result>(run: Run<Request>, verb: Verb<Request, Result>): Promise<Opened<Request, Result>> {
  const { call, engine } = run;
  call.signal?.throwIfAborted();
  engine.shutdown.throwIfAborted();
  const opened = (await tryEach(run, verb)) ?? (await panic(run, verb)) ?? (await tryAgain(run, verb));
  const { provider, model, substituted } = opened.attempt.candidate;
  Object.assign(run.trace, { provider, model, substituted });
  return opened;
}

async function tryEach<Request, Result>(run: Run<Request>, verb: Verb<Request, Result>): Promise<Opened<Request, Result> | undefined> {
  for (;;) {
    if (run.remaining.length > 0 && run.attempts >= run.call.maxAttempts) throw giveUp(run, 'max-attempts');
    const candidate = nextCandidate(run);
    if (candidate === undefined) return undefined;
    const opened = await tryOnce(run, candidate, { isLast: !othersLeft(run) && isOnly(run, { candidate }) }, verb);
    if (opened !== undefined) return opened;
  }
}
