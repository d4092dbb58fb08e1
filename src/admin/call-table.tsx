import type { JSX } from 'preact';
import { duration } from './figures.ts';
import { HoldButton } from './hold-button.tsx';
import { type CallState, isRunning, type LiveCall } from './live-calls.ts';
import { Status } from './mark.tsx';
import { Moment, useNow } from './now.tsx';
import type { MarkKind } from './shown-providers.ts';
import { useHeld } from './use-held.ts';

const marks: Readonly<Record<CallState, readonly [MarkKind, string]>> = {
  waiting: ['watch', 'waits'],
  asking: ['unknown', 'under way'],
  answered: ['ok', 'answered'],
  failed: ['bad', 'failed'],
  left: ['off', 'left by the caller'],
  lost: ['off', 'out of sight'],
};

/** Calls under way first, then those that ended of late. */
export function CallTable({ calls }: { readonly calls: readonly LiveCall[] }): JSX.Element {
  const { shown, isHeld, toggle } = useHeld(calls);
  const running = shown.filter(isRunning);
  const rows = [...running, ...shown.filter((call) => !isRunning(call)).slice(0, 12)];
  return (
    <section aria-labelledby="calls-title">
      <header class="section-head">
        <h2 id="calls-title">Calls</h2>
        <p class="note figure">{running.length} under way</p>
        <HoldButton what="calls" isHeld={isHeld} onToggle={toggle} />
      </header>
      {rows.length === 0 ? <p class="empty">None since this page was opened.</p> : <CallRows calls={rows} />}
    </section>
  );
}

function CallRows({ calls }: { readonly calls: readonly LiveCall[] }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="List of calls">
      <table class="calls">
        <thead>
          <tr>
            <th scope="col">Begun</th>
            <th scope="col">State</th>
            <th scope="col">At</th>
            <th scope="col" class="number">
              Time
            </th>
          </tr>
        </thead>
        <tbody>
          {calls.map((call) => (
            <CallRow key={call.requestId} call={call} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CallRow({ call }: { readonly call: LiveCall }): JSX.Element {
  const nowMs = useNow();
  const { state, startedAtMs, endedAtMs, provider, model, verb, intent, attempts, firstContentMs, error } = call;
  const [mark, word] = marks[state];
  const kind = [verb, intent, attempts > 1 ? `attempt ${attempts}` : undefined].filter((each) => each !== undefined).join(', ');
  return (
    <tr title={`Request ${call.requestId}`}>
      <td>
        <Moment atMs={startedAtMs} only="clock" />
        {kind !== '' && <span class="below">{kind}</span>}
      </td>
      <td>
        <Status is={mark} word={word} />
        {error !== undefined && state === 'failed' && <span class="below">{`${error.code}: ${error.message}`}</span>}
      </td>
      <td>
        {provider ?? '-'}
        {model !== undefined && model !== '' && <span class="below">{model}</span>}
      </td>
      <td class="number figure">
        {duration(Math.max(0, (endedAtMs ?? nowMs) - startedAtMs))}
        {firstContentMs !== undefined && <span class="below">first {duration(firstContentMs)}</span>}
      </td>
    </tr>
  );
}
