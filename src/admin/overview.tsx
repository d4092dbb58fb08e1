import type { JSX } from 'preact';
import type { AdminState } from '../http/admin-contract.ts';
import { CallTable } from './call-table.tsx';
import { EventLog } from './event-log.tsx';
import { FailoverDrill } from './failover-drill.tsx';
import { Failovers } from './failovers.tsx';
import { ProviderRow } from './provider-row.tsx';
import { type ShownProvider, own } from './shown-providers.ts';
import { useCurves } from './use-curves.ts';
import type { Desk } from './use-desk.ts';

interface OverviewProps {
  readonly desk: Desk;
  readonly state: AdminState;
  readonly providers: readonly ShownProvider[];
}

export function Overview({ desk, state, providers }: OverviewProps): JSX.Element {
  const { curves, scale } = useCurves(desk.activity.measurements, providers);
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
        <ol>
          {providers.map((shown) => (
            <ProviderRow key={shown.provider} shown={shown} desk={desk} curves={own(curves, shown.provider)} scale={scale} />
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
