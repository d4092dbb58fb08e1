import type { JSX } from 'preact';
import { named } from './event-words.ts';
import { counted, duration } from './figures.ts';
import type { TrialPlan } from './use-trial.ts';

/** Who is to be asked, in which order and why, and who is not. */
export function PlaygroundPlan({ plan }: { readonly plan: TrialPlan | undefined }): JSX.Element {
  if (plan === undefined) return <p class="empty">Who would be asked, in which order and why, stands here when a prompt is sent.</p>;
  const { intent, balance, lane, promptTokens, candidates, skipped } = plan;
  return (
    <>
      <p class="note figure">
        Intent {intent}, balance {balance}, lane {lane}, a prompt of about {counted(promptTokens, 'token')}
      </p>
      {candidates.length === 0 ? <p class="problem">Nobody may be asked now.</p> : <Candidates plan={plan} />}
      {skipped.length > 0 && <h3>Left out</h3>}
      <ul class="plan">
        {skipped.map(({ provider, model, reason, code, readyAtMs }) => (
          <li key={`${provider} ${model ?? ''}`}>
            <b>{named(provider, model)}</b>
            <span>
              {reason}
              {readyAtMs !== undefined && readyAtMs > plan.atMs ? `; tried again in ${duration(readyAtMs - plan.atMs)}` : ''}{' '}
              <code>{code}</code>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Candidates({ plan: { candidates } }: { readonly plan: TrialPlan }): JSX.Element {
  return (
    <ol class="plan">
      {candidates.map(({ provider, model, reason, score, isFull, isTrial }) => (
        <li key={`${provider} ${model ?? ''}`}>
          <b>{named(provider, model)}</b>
          <span>
            {reason}
            {isFull ? '; all its slots are taken' : ''}
            {isTrial ? '; to find out whether the model fits again' : ''}
          </span>
          {score !== undefined && <span class="aside figure">{expected(score)}</span>}
        </li>
      ))}
    </ol>
  );
}

function expected({ totalMs, isGuess }: NonNullable<TrialPlan['candidates'][number]['score']>): string {
  if (isGuess && totalMs === 0) return 'time to first token not known yet';
  return `first token expected after ${duration(totalMs)}${isGuess ? ', a guess' : ''}`;
}
