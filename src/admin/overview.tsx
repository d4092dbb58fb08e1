import type { JSX } from 'preact';
import type { AdminState } from '../http/admin-contract.ts';
import { EventLog } from './event-log.tsx';
import { Failovers } from './failovers.tsx';
import { FailoverDrill } from './failover-drill.tsx';
import { LaneRow } from './lane-row.tsx';
import { type Lane, own } from './lanes.ts';
import { CallTable } from './call-table.tsx';
import { useCurves } from './use-curves.ts';
import type { Desk } from './use-desk.ts';

interface OverviewProps {
  readonly desk: Desk;
  readonly state: AdminState;
  readonly lanes: readonly Lane[];
}

export function Overview({ desk, state, lanes }: OverviewProps): JSX.Element {
  const { curves, scale } = useCurves(desk.activity.measurements, lanes);
  return (
    <div class="overview">
      <section class="board" aria-labelledby="providers-title">
        <header class="section-head">
          <h2 id="providers-title">Providers</h2>
          <p class="note">
            In the order in which calls of the intent <b>{state.settings.defaultIntent}</b> try them; balance {state.settings.balance}.
            Charts show the last 10 minutes.
          </p>
          <FailoverDrill desk={desk} />
        </header>
        <ol class="lanes">
          {lanes.map((lane) => (
            <LaneRow key={lane.provider} lane={lane} desk={desk} curves={own(curves, lane.provider)} scale={scale} />
          ))}
        </ol>
      </section>
      <div class="live">
        <CallTable calls={desk.activity.calls} />
        <Failovers entries={desk.activity.failovers} />
        <EventLog entries={desk.activity.log} state={state} />
      </div>
    </div>
  );
}
