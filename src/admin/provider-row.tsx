import type { JSX } from 'preact';
import { Mark } from './mark.tsx';
import type { Curves, Scale } from './measurements.ts';
import { ProviderActions } from './provider-actions.tsx';
import { ProviderCharts } from './provider-charts.tsx';
import { ProviderFigures } from './provider-figures.tsx';
import type { ShownProvider } from './shown-providers.ts';
import type { Desk } from './use-desk.ts';

interface ProviderRowProps {
  readonly shown: ShownProvider;
  readonly desk: Desk;
  /** Undefined for one that is switched off. */
  readonly curves: Curves | undefined;
  readonly scale: Scale;
}

const devices: Readonly<Record<string, string>> = { gpu: 'GPU', cpu: 'CPU', remote: 'remote', cloud: 'cloud' };

/** One provider: who it is, how it is, what it did, and what can be done. */
export function ProviderRow({ shown, desk, curves, scale }: ProviderRowProps): JSX.Element {
  const { provider, health, settings, mark, word } = shown;
  const device = health?.device ?? settings?.device;
  const kind = [
    device === undefined ? undefined : (devices[device] ?? device),
    health?.type ?? settings?.type,
    health?.cost === 'paid' ? 'paid' : undefined,
  ];
  return (
    <li class={`provider provider-${mark}`}>
      <span class="station">
        <Mark is={mark} />
      </span>
      <div class="who">
        <h3>{provider}</h3>
        <p class={`status status-${mark}`}>{word}</p>
        <p class="note">{kind.filter((each) => each !== undefined).join(' · ')}</p>
        <p class="note">
          {[health?.url ?? settings?.url, health?.version === undefined ? undefined : `version ${health.version}`]
            .filter((each) => each !== undefined)
            .join(' · ')}
        </p>
      </div>
      {health === undefined ? (
        <p class="empty">Gets no calls, and is not asked how it is.</p>
      ) : (
        <ProviderFigures shown={shown} health={health} />
      )}
      {curves !== undefined && <ProviderCharts curves={curves} scale={scale} />}
      <ProviderActions shown={shown} desk={desk} />
    </li>
  );
}
