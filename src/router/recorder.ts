import { errorCodes } from '../core/error-codes.ts';
import type { RouterEmitter } from '../core/emitter.ts';
import type { EventName, RouterEvents } from '../core/events.ts';
import type { EmbedUsage, Usage } from '../core/types.ts';
import { createKeyedDigest } from '../lib/keyed-digest.ts';
import type { Engine } from './engine.ts';
import { recordedConfig, shortName } from './record-config.ts';
import { type CallEnding, type Recordable, recordedCall, rounded, unasked } from './recorded-call.ts';
import type { RecordedLoss, RecordedState, RecordHeader } from './record-lines.ts';
import { recordVersion } from './record-lines.ts';
import { createOutlet, type RecordSink } from './record-outlet.ts';
import type { ResolvedCall } from './resolve-call.ts';
import type { Run } from './run.ts';

/** The records of a router that are being written. */
export interface Recorders {
  /** See `Router.record`. */
  record(sink: RecordSink): () => void;
  /** Every call for which somebody is asked passes here when it begins: where somebody records, its end is told. Gives the same call. */
  watch<Request>(run: Run<Request>): Run<Request>;
  /** A call for which nobody was asked has ended. `cached`: what answered another call answered it, or would have. */
  noteUnasked(call: ResolvedCall<unknown>, engine: Engine, cached: boolean, ending: CallEnding): void;
  /** No more lines: the router is closed. */
  end(): void;
}

/** Events that tell what the router concludes of providers; calls have a line of their own. */
const conclusions = [
  'breaker:open',
  'breaker:half-open',
  'breaker:close',
  'provider:up',
  'provider:down',
  'provider:cooldown',
  'model:pinned',
  'model:unpinned',
  'model:spilled',
  'model:truncated',
  'model:missing',
  'state:degraded',
  'state:restored',
] as const satisfies readonly EventName[];

interface Recording {
  call(run: Recordable, ending: CallEnding): void;
  end(): void;
}

/** @param assertOpen throws where the router is closed */
export function createRecorders(emitter: RouterEmitter, engine: () => Engine, assertOpen: () => void): Recorders {
  const recordings = new Set<Recording>();
  return {
    record(sink) {
      assertOpen();
      const recording = startRecording(sink, emitter, engine);
      recordings.add(recording);
      return () => {
        if (recordings.delete(recording)) recording.end();
      };
    },
    watch(run) {
      if (recordings.size > 0) tellEnd(run, (ending) => recordings.forEach((each) => each.call(run, ending)));
      return run;
    },
    noteUnasked(call, engine, cached, ending) {
      if (recordings.size === 0) return;
      const told = unasked(call, engine, cached);
      for (const recording of recordings) recording.call(told, ending);
    },
    end() {
      for (const recording of recordings) recording.end();
      recordings.clear();
    },
  };
}

/** `end` and `fail` count once, whichever comes first. */
function tellEnd<Request>(run: Run<Request>, tell: (ending: CallEnding) => void): void {
  const { end, fail } = run;
  let isOver = false;
  const once = (ending: CallEnding): void => {
    if (isOver) return;
    isOver = true;
    tell(ending);
  };
  const toldEnd = (usage: Usage | EmbedUsage | undefined, abandoned: boolean): void => {
    end.call(run, usage, abandoned);
    once({ usage, abandoned });
  };
  const toldFail = (error: unknown): unknown => {
    const told = fail.call(run, error);
    once({ error });
    return told;
  };
  run.end = toldEnd;
  run.fail = toldFail;
}

function startRecording(sink: RecordSink, { on, off, announce }: RouterEmitter, engine: () => Engine): Recording {
  const { clock } = engine().config;
  // The wall clock may jump, and a record that did could not be put in order.
  const offsetMs = clock.wallMs() - clock.nowMs();
  const atOf = (ms: number): number => rounded(ms + offsetMs);
  const now = (): number => atOf(clock.nowMs());
  const digest = createKeyedDigest();
  let isReported = false;
  const lost = (lines: number): RecordedLoss => ({ type: 'lost', at: now(), lines });
  const outlet = createOutlet(sink, lost, (error) => {
    if (!isReported) announce('listener:error', { event: 'record', error });
    isReported = true;
  });
  const header: RecordHeader = {
    type: 'header',
    format: 'inferlane-record',
    version: recordVersion,
    at: now(),
    ...recordedConfig(engine()),
  };
  outlet.put(header);
  const listeners = conclusions.map((event) => {
    const listener = (payload: RouterEvents[typeof event]): void => outlet.put(recordedState(event, payload, now(), clock.nowMs()));
    on(event, listener);
    return () => off(event, listener);
  });
  const onUpdate = (): void => outlet.put({ type: 'config', at: now(), ...recordedConfig(engine()) });
  on('config:update', onUpdate);
  return {
    call: (run, ending) => outlet.put(recordedCall(run, atOf(run.call.startedAtMs), ending, digest)),
    end() {
      for (const leave of listeners) leave();
      off('config:update', onUpdate);
      outlet.end();
    },
  };
}

function recordedState(event: EventName, payload: object, at: number, nowMs: number): RecordedState {
  const { provider, model, reason, untilMs } = payload as Partial<Record<'provider' | 'model' | 'reason', string>> & { untilMs?: number };
  return {
    type: 'state',
    at,
    event,
    ...(provider !== undefined && { provider }),
    ...(model !== undefined && { model: shortName(model) }),
    ...(reason !== undefined && Object.hasOwn(errorCodes, reason) && { reason }),
    ...(untilMs !== undefined && { forMs: rounded(untilMs - nowMs) }),
  };
}
