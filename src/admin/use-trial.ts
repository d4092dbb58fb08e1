import { useEffect, useRef, useState } from 'preact/hooks';
import type { AdminPlaygroundAsk, AdminPlaygroundFrame } from '../http/admin-contract.ts';
import { wordsOf } from './api.ts';
import type { Desk } from './use-desk.ts';

export type TrialPlan = Extract<AdminPlaygroundFrame, { type: 'plan' }>['plan'];

/** One call of the playground, as far as it has come. */
export interface TrialState {
  readonly is: 'idle' | 'running' | 'done' | 'failed' | 'stopped';
  readonly plan: TrialPlan | undefined;
  readonly answer: string;
  /** What happened, as lines. */
  readonly route: string | undefined;
  readonly problem: string | undefined;
}

export interface Trial extends TrialState {
  readonly ask: (asked: AdminPlaygroundAsk) => void;
  readonly stop: () => void;
}

const idle: TrialState = { is: 'idle', plan: undefined, answer: '', route: undefined, problem: undefined };

export function useTrial({ api, refresh }: Desk): Trial {
  const [state, setState] = useState<TrialState>(idle);
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const run = async (asked: AdminPlaygroundAsk, { signal }: AbortController): Promise<void> => {
    setState({ ...idle, is: 'running' });
    try {
      for await (const frame of api.playground(asked, signal)) setState((before) => withFrame(before, frame));
      setState((before) => ({ ...before, is: before.problem === undefined ? 'done' : 'failed' }));
    } catch (error) {
      const problem = signal.aborted ? undefined : wordsOf(error);
      setState((before) => ({ ...before, is: signal.aborted ? 'stopped' : 'failed', problem }));
    }
    refresh();
  };
  return {
    ...state,
    ask(asked) {
      if (state.is === 'running') return;
      running.current = new AbortController();
      void run(asked, running.current);
    },
    stop: () => running.current?.abort(),
  };
}

function withFrame(before: TrialState, frame: AdminPlaygroundFrame): TrialState {
  switch (frame.type) {
    case 'plan':
      return { ...before, plan: frame.plan };
    case 'text':
      return { ...before, answer: before.answer + frame.text };
    case 'route':
      return { ...before, route: frame.text };
    case 'error':
      return { ...before, problem: `${frame.code}: ${frame.message}` };
  }
}
