import type { JSX } from 'preact';
import { Status } from './mark.tsx';
import type { MarkKind } from './shown-providers.ts';
import type { Trial, TrialState } from './use-trial.ts';

const marks: Readonly<Record<TrialState['is'], readonly [MarkKind, string]>> = {
  idle: ['off', 'Nothing was asked yet.'],
  running: ['unknown', 'The answer is being written.'],
  done: ['ok', 'The answer is complete.'],
  failed: ['bad', 'The call failed.'],
  stopped: ['off', 'You stopped it.'],
};

export function PlaygroundAnswer({ trial }: { readonly trial: Trial }): JSX.Element {
  const { is, answer, route, problem } = trial;
  const [mark, word] = marks[is];
  return (
    <>
      <div role="status">
        <Status is={mark} word={word} />
        {problem !== undefined && <p class="problem">{problem}</p>}
      </div>
      {answer !== '' && (
        <div class="answer" tabIndex={0} role="region" aria-label="Text of the answer">
          {answer}
        </div>
      )}
      {route !== undefined && (
        <>
          <h3>Route</h3>
          <pre class="route" tabIndex={0}>
            {route}
          </pre>
        </>
      )}
    </>
  );
}
