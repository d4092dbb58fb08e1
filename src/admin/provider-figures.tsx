import type { ComponentChildren, JSX } from 'preact';
import type { ProviderHealth } from '../index.ts';
import { bytes, counted, duration, figure, percent } from './figures.ts';
import { Moment } from './now.tsx';
import { firstContentOf, type ShownProvider, modelName, residentModels } from './shown-providers.ts';

interface ProviderFiguresProps {
  readonly shown: ShownProvider;
  readonly health: ProviderHealth;
}

export function ProviderFigures({ shown, health }: ProviderFiguresProps): JSX.Element {
  const { consecutiveFailures, lastError, successes, failures, latencyMs, checkedAtMs } = health;
  return (
    <dl class="figures">
      <Figure term="Circuit" isLoud={shown.circuit.is !== 'closed'}>
        <Circuit shown={shown} />
      </Figure>
      <Figure term="Queue" isLoud={health.waiting > 0}>
        <Queue health={health} elsewhere={shown.snapshot?.elsewhere} />
      </Figure>
      <Figure term="First token">
        <FirstToken shown={shown} />
      </Figure>
      <Figure term="Errors" isLoud={consecutiveFailures > 0}>
        {consecutiveFailures > 0 ? `${figure(consecutiveFailures)} in a row, ` : ''}
        {figure(failures)} of {counted(successes + failures, 'attempt')}
      </Figure>
      <Figure term="Last error">
        {lastError === undefined ? (
          'none'
        ) : (
          <>
            <code>{lastError.code}</code> <Moment atMs={lastError.atMs} />
          </>
        )}
      </Figure>
      <Figure term="Health check">
        {checkedAtMs === undefined ? 'not asked' : <Moment atMs={checkedAtMs} only="relative" />}
        {latencyMs === undefined ? '' : `, took ${duration(latencyMs)}`}
        {health.error === undefined ? '' : `: ${health.error.message}`}
      </Figure>
      <Figure term="Pins" isLoud={health.pins.length > 0}>
        <Pins health={health} />
      </Figure>
      <Figure term="In memory" isWide>
        <Residency shown={shown} />
      </Figure>
    </dl>
  );
}

interface FigureProps {
  readonly term: string;
  readonly children: ComponentChildren;
  /** It is not as it should be. */
  readonly isLoud?: boolean;
  readonly isWide?: boolean;
}

function Figure({ term, children, isLoud = false, isWide = false }: FigureProps): JSX.Element {
  return (
    <div class={`${isLoud ? 'loud' : ''}${isWide ? ' wide' : ''}`}>
      <dt>{term}</dt>
      <dd class="figure">{children}</dd>
    </div>
  );
}

function Circuit({ shown: { circuit } }: { readonly shown: ShownProvider }): JSX.Element {
  const model = circuit.model === undefined || circuit.model === '' ? '' : ` for ${circuit.model}`;
  if (circuit.is === 'due') return <>{`open${model}, the next call tries it out`}</>;
  if (circuit.is !== 'open') return <>{`${circuit.is}${model}`}</>;
  return (
    <>
      open{model}
      {circuit.untilMs !== undefined && (
        <>
          {' until '}
          <Moment atMs={circuit.untilMs} />
        </>
      )}
    </>
  );
}

function Queue({ health, elsewhere }: { readonly health: ProviderHealth; readonly elsewhere: number | undefined }): JSX.Element {
  const { inFlight, slots, waiting } = health;
  const taken = slots === undefined ? `${figure(inFlight)} in flight, no limit` : `${figure(inFlight)} of ${counted(slots, 'slot')}`;
  const others = elsewhere === undefined || elsewhere === 0 ? '' : `, ${figure(elsewhere)} of others`;
  return <>{`${taken}${others}; ${figure(waiting)} waiting`}</>;
}

function FirstToken({ shown }: { readonly shown: ShownProvider }): JSX.Element {
  const known = firstContentOf(shown);
  if (known.length === 0) return <>not known yet</>;
  const [first] = known;
  if (known.length === 1 && first !== undefined) return <>about {duration(first.ms)}</>;
  return (
    <ul>
      {known.map(({ model, ms }) => (
        <li key={model}>
          about {duration(ms)} <span class="aside">{modelName(model)}</span>
        </li>
      ))}
    </ul>
  );
}

function Pins({ health: { pins } }: { readonly health: ProviderHealth }): JSX.Element {
  if (pins.length === 0) return <>none</>;
  return (
    <ul>
      {pins.map(({ model, untilMs }) => (
        <li key={model}>
          {modelName(model)} until <Moment atMs={untilMs} />
        </li>
      ))}
    </ul>
  );
}

function Residency({ shown }: { readonly shown: ShownProvider }): JSX.Element {
  const models = residentModels(shown);
  if (models === undefined) return <>the server does not tell</>;
  if (models.length === 0) return <>no model</>;
  return (
    <ul class="inline">
      {models.map((model) => (
        <li key={model.id}>
          {model.id}
          {model.bytes === undefined ? '' : ` ${bytes(model.bytes)}`}
          {model.vramShare === undefined ? '' : `, ${percent(model.vramShare)} in GPU memory`}
        </li>
      ))}
    </ul>
  );
}
