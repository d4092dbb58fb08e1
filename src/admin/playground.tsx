import type { JSX } from 'preact';
import type { AdminState } from '../http/admin-contract.ts';
import { PlaygroundAnswer } from './playground-answer.tsx';
import { PlaygroundForm } from './playground-form.tsx';
import { PlaygroundPlan } from './playground-plan.tsx';
import type { Desk } from './use-desk.ts';
import { useTrial } from './use-trial.ts';

interface PlaygroundProps {
  readonly desk: Desk;
  readonly state: AdminState;
}

/** One call: who would be asked, what is answered, and who was asked in the end. */
export function Playground({ desk, state }: PlaygroundProps): JSX.Element {
  const trial = useTrial(desk);
  return (
    <div class="playground">
      <section aria-labelledby="prompt-title">
        <h2 id="prompt-title">Prompt</h2>
        <PlaygroundForm state={state} trial={trial} />
      </section>
      <section aria-labelledby="plan-title">
        <h2 id="plan-title">Plan</h2>
        <PlaygroundPlan plan={trial.plan} />
      </section>
      <section aria-labelledby="answer-title">
        <h2 id="answer-title">Answer</h2>
        <PlaygroundAnswer trial={trial} />
      </section>
    </div>
  );
}
