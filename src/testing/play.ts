import { unknownFailure } from './known-failures.ts';
import type { Failure, Faults, Step } from './script.ts';
import { type Exchange, textExchange, type Wire, type WireCall } from './wire.ts';

/** What a server does with a call, one thing after the other. The bytes of one `bytes` action are one write. */
export type Action =
  | { readonly act: 'wait'; readonly ms: number }
  | ({ readonly act: 'head' } & Head)
  | { readonly act: 'bytes'; readonly bytes: Uint8Array }
  /** Nothing more, and the connection stays open. */
  | { readonly act: 'stall' }
  | { readonly act: 'close'; readonly how: Ending }
  /** The script is asked again what it has for this call. */
  | { readonly act: 'again' };

export interface Head {
  readonly status: number;
  /** Names in lower case; with `content-length` or `transfer-encoding: chunked`. */
  readonly headers: Readonly<Record<string, string>>;
}

/** `end`: as the protocol has it. `fin`, `rst`: in the middle of the body. `refuse`: before anything was said. */
export type Ending = 'end' | 'fin' | 'rst' | 'refuse';

/**
 * What the step comes to for this call.
 * @throws {RouterError} `invalid_config` for a failure that the server does not know.
 */
export function play(step: Step, wire: Wire, call: WireCall): readonly Action[] {
  const { faults } = step;
  const before: readonly Action[] = faults.delayMs === undefined ? [] : [{ act: 'wait', ms: faults.delayMs }];
  if (faults.stallBeforeHeaders === true) return [...before, { act: 'stall' }];
  const body = bodyOf(step, wire, call);
  return [...before, headOf(body), ...cutIntoWrites(actionsOf(body, faults), faults.writes ?? 'pieces')];
}

/** What the server does with a call while the model of the step loads for `loadingMs` more. */
export function playLoading(loadingMs: number, wire: Wire, call: WireCall): readonly Action[] {
  if (wire.whileLoading === 'waits') return [{ act: 'wait', ms: loadingMs }, { act: 'again' }];
  if (wire.whileLoading === 'refuses') return [{ act: 'close', how: 'refuse' }];
  return playExchange(failed({ kind: 'loading' }, wire, call));
}

/** An exchange without any fault. */
export function playExchange(exchange: Exchange): readonly Action[] {
  const body = { ...exchange, chunked: isStream(exchange) };
  return [headOf(body), ...actionsOf(body, {})];
}

/** The answer of a fake backend that cannot answer: a mistake in the script or in the wire, told to whoever reads the test. */
export function playMistake(error: unknown, wire: Wire): readonly Action[] {
  const text = error instanceof Error ? error.message : String(error);
  return playExchange(textExchange(`The fake backend '${wire.name}' cannot answer: ${text}`, 501));
}

interface Body extends Exchange {
  readonly chunked: boolean;
}

function bodyOf(step: Step, wire: Wire, call: WireCall): Body {
  const body = wholeBodyOf(step, wire, call);
  const { garbageAt } = step.faults;
  if (garbageAt === undefined) return body;
  const at = Math.min(garbageAt, Math.max(0, body.pieces.length - 1));
  return { ...body, pieces: body.pieces.length === 0 ? [wire.garbage(call)] : body.pieces.with(at, wire.garbage(call)) };
}

function wholeBodyOf({ answer, failure, faults }: Step, wire: Wire, call: WireCall): Body {
  if (faults.errorAt !== undefined && call.verb === 'stream') {
    const exchange = wire.answer(answer, call);
    const pieces = exchange.pieces.slice(0, faults.errorAt);
    return { ...exchange, pieces, closing: wire.errorInStream(failure ?? usualFailure(wire, call), call), chunked: true };
  }
  const told = faults.errorAt === undefined ? failure : (failure ?? usualFailure(wire, call));
  if (told === undefined) return { ...wire.answer(answer, call), chunked: call.verb === 'stream' };
  const exchange = failed(told, wire, call);
  return { ...exchange, chunked: isStream(exchange) };
}

/** What `errorAt` tells where the step says nothing else: the GPU is full, or, from a server that never says so, its own fault. */
function usualFailure(wire: Wire, call: WireCall): Failure {
  const candidates: readonly Failure[] = [{ kind: 'out-of-memory', memory: 'cuda' }, { kind: 'server' }];
  return candidates.find((failure) => wire.fail(failure, call) !== undefined) ?? { kind: 'status', status: 500 };
}

/** The failures that playing the step may need. */
export function failuresOf({ failure, faults }: Step, wire: Wire): readonly Failure[] {
  const loading: readonly Failure[] = faults.loadingMs !== undefined && wire.whileLoading === 'answers' ? [{ kind: 'loading' }] : [];
  return failure === undefined ? loading : [failure, ...loading];
}

function failed(failure: Failure, wire: Wire, call: WireCall): Exchange {
  const exchange = wire.fail(failure, call);
  if (exchange === undefined) throw unknownFailure(failure, wire, [call], call.verb);
  return exchange;
}

/** A failure may come as a stream as well, where a server takes the call first and tells afterwards. */
function isStream({ headers }: Exchange): boolean {
  return Object.entries(headers).some(([name, value]) => name.toLowerCase() === 'content-type' && /event-stream|ndjson/.test(value));
}

const encoder = new TextEncoder();

function headOf({ status, headers, opening, pieces, closing, chunked }: Body): Action {
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const length = encoder.encode([opening, ...pieces, closing].join('')).length;
  const framing = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(length) };
  return { act: 'head', status, headers: { ...own, ...('transfer-encoding' in own ? {} : framing) } };
}

function actionsOf({ opening, pieces, closing, chunked }: Body, faults: Faults): readonly Action[] {
  const halt = haltOf(faults, pieces.length, chunked);
  const actions: Action[] = [bytes(opening)];
  for (const [at, piece] of pieces.slice(0, halt?.after).entries()) {
    if (at > 0 && faults.tokensPerSecond !== undefined) actions.push({ act: 'wait', ms: 1_000 / faults.tokensPerSecond });
    actions.push(bytes(piece));
  }
  return halt === undefined ? [...actions, bytes(closing), { act: 'close', how: 'end' }] : [...actions, halt.action];
}

interface Halt {
  /** This many pieces are sent. */
  readonly after: number;
  readonly action: Action;
}

/** The cut or the stall that comes first. */
function haltOf({ stallAfter, cutAfter }: Faults, pieces: number, chunked: boolean): Halt | undefined {
  if (stallAfter === undefined && cutAfter === undefined) return undefined;
  // A whole answer is complete with its last piece, and no cut could be seen behind it.
  const most = chunked ? pieces : Math.max(0, pieces - 1);
  if (cutAfter === undefined || (stallAfter !== undefined && stallAfter < cutAfter.pieces)) {
    return { after: Math.min(stallAfter ?? 0, most), action: { act: 'stall' } };
  }
  return { after: Math.min(cutAfter.pieces, most), action: { act: 'close', how: cutAfter.how } };
}

function bytes(text: string): Action {
  return { act: 'bytes', bytes: encoder.encode(text) };
}

/** The same bytes in other writes. Pauses and ends stay where they are. */
function cutIntoWrites(actions: readonly Action[], writes: NonNullable<Faults['writes']>): readonly Action[] {
  if (writes === 'pieces') return actions;
  const cut = writes === 'bytes' ? cutIntoBytes : join;
  const written: Action[] = [];
  let run: Uint8Array[] = [];
  for (const action of actions) {
    if (action.act === 'bytes') run.push(action.bytes);
    else {
      written.push(...cut(run), action);
      run = [];
    }
  }
  return written;
}

function cutIntoBytes(run: readonly Uint8Array[]): readonly Action[] {
  return run.flatMap((part) => Array.from(part, (byte): Action => ({ act: 'bytes', bytes: Uint8Array.of(byte) })));
}

function join(run: readonly Uint8Array[]): readonly Action[] {
  return [{ act: 'bytes', bytes: Buffer.concat(run) }];
}
