import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { AdminPlaygroundAsk, AdminState } from '../http/admin-contract.ts';
import type { Trial } from './use-trial.ts';

interface PlaygroundFormProps {
  readonly state: AdminState;
  readonly trial: Trial;
}

interface Typed {
  readonly prompt: string;
  readonly model: string;
  readonly intent: string;
  readonly provider: string;
  readonly maxTokens: string;
}

export function PlaygroundForm({ state, trial }: PlaygroundFormProps): JSX.Element {
  const id = useId();
  const [typed, setTyped] = useState<Typed>({ prompt: '', model: '', intent: '', provider: '', maxTokens: '256' });
  const set = (name: keyof Typed, value: string): void => setTyped((before) => ({ ...before, [name]: value }));
  const isTokensWrong = typed.maxTokens.trim() !== '' && !/^[1-9]\d{0,8}$/.test(typed.maxTokens.trim());
  const send = (): void => {
    if (typed.prompt.trim() !== '' && !isTokensWrong) trial.ask(toAsk(typed));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send();
  };
  return (
    <form aria-label="prompt" onSubmit={(event) => (event.preventDefault(), send())}>
      <div class="field">
        <label for={`${id}-prompt`}>What to ask</label>
        <textarea
          id={`${id}-prompt`}
          rows={5}
          required
          value={typed.prompt}
          onInput={(event) => set('prompt', event.currentTarget.value)}
          onKeyDown={onKeyDown}
          aria-describedby={`${id}-note`}
        />
        <p class="note" id={`${id}-note`}>
          Ctrl and Enter send it. It is a real call, and may cost money where paid providers are allowed.
        </p>
      </div>
      <Target state={state} typed={typed} set={set} />
      {isTokensWrong && <p class="problem">Tokens, at most: a whole number, 1 at least.</p>}
      <div class="save-bar">
        <button type="submit" class="primary" aria-disabled={trial.is === 'running'}>
          Send
        </button>
        <button type="button" class="quiet" aria-disabled={trial.is !== 'running'} onClick={trial.stop}>
          Stop
        </button>
      </div>
    </form>
  );
}

interface TargetProps {
  readonly state: AdminState;
  readonly typed: Typed;
  readonly set: (name: keyof Typed, value: string) => void;
}

/** Who is to answer, and how much. */
function Target({ state, typed, set }: TargetProps): JSX.Element {
  const { health, settings } = state;
  const intents = Object.keys(settings.intents);
  const providers = health.providers.map(({ provider }) => provider);
  return (
    <div class="fields">
      <Choice
        label="Intent"
        value={typed.intent}
        none={`${settings.defaultIntent} (default)`}
        choices={intents}
        onChoice={(value) => set('intent', value)}
      />
      <Choice label="Provider" value={typed.provider} none="any" choices={providers} onChoice={(value) => set('provider', value)} />
      <Line label="Model" value={typed.model} choices={modelsOf(state)} onText={(value) => set('model', value)} />
      <Line label="Tokens, at most" value={typed.maxTokens} onText={(value) => set('maxTokens', value)} />
    </div>
  );
}

interface LineProps {
  readonly label: string;
  readonly value: string;
  readonly choices?: readonly string[];
  readonly onText: (value: string) => void;
}

function Line({ label, value, choices = [], onText }: LineProps): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        list={`${id}-choices`}
        value={value}
        placeholder="default"
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      <datalist id={`${id}-choices`}>
        {choices.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly none: string;
  readonly choices: readonly string[];
  readonly onChoice: (value: string) => void;
}

function Choice({ label, value, none, choices, onChoice }: ChoiceProps): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChoice(event.currentTarget.value)}>
        <option value="">{none}</option>
        {choices.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </div>
  );
}

function modelsOf({ health }: AdminState): readonly string[] {
  return [...new Set(health.providers.flatMap(({ models }) => (models ?? []).map(({ id }) => id)))];
}

/** What was left empty is left out. */
function toAsk({ prompt, model, intent, provider, maxTokens }: Typed): AdminPlaygroundAsk {
  return {
    prompt,
    ...(model.trim() !== '' && { model: model.trim() }),
    ...(intent !== '' && { intent }),
    ...(provider !== '' && { provider }),
    ...(maxTokens.trim() !== '' && { maxTokens: Number(maxTokens) }),
  };
}
