import type { JSX } from 'preact';
import { LaneActions } from './lane-actions.tsx';
import { LaneCharts } from './lane-charts.tsx';
import { LaneFigures } from './lane-figures.tsx';
import type { Lane } from './lanes.ts';
import { Mark } from './mark.tsx';
import type { Curves, Scale } from './measurements.ts';
import type { Desk } from './use-desk.ts';

interface LaneRowProps {
  readonly lane: Lane;
  readonly desk: Desk;
  /** Undefined for one that is switched off. */
  readonly curves: Curves | undefined;
  readonly scale: Scale;
}

const devices: Readonly<Record<string, string>> = { gpu: 'GPU', cpu: 'CPU', remote: 'remote', cloud: 'cloud' };

/** One provider: who it is, how it is, what it did, and what can be done. */
export function LaneRow({ lane, desk, curves, scale }: LaneRowProps): JSX.Element {
  const { provider, health, settings, mark, word } = lane;
  const device = health?.device ?? settings?.device;
  const kind = [
    device === undefined ? undefined : (devices[device] ?? device),
    health?.type ?? settings?.type,
    health?.cost === 'paid' ? 'paid' : undefined,
  ];
  return (
    <li class={`lane lane-${mark}`}>
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
      {health === undefined ? <p class="empty">Gets no calls, and is not asked how it is.</p> : <LaneFigures lane={lane} health={health} />}
      {curves !== undefined && <LaneCharts curves={curves} scale={scale} />}
      <LaneActions lane={lane} desk={desk} />
    </li>
  );
}
