import type { LoadReport, Verb } from '../../../src/index.ts';
import type { Dice } from './dice.ts';
import type { FaultName } from './fault-kinds.ts';
import type { Machine } from './routed.ts';
import type { Memory } from './telling.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { WireName } from './wires.ts';

/** One call as a fake backend saw it: the log that the router's word is held against. */
export interface UpstreamCall {
  readonly number: number;
  readonly backend: FakeBackend;
  /** The number of the caller's request, read from what was sent. */
  readonly request: number;
  readonly verb: Verb;
  readonly kind: FaultName;
  readonly startedAtMs: number;
  /** Its place among everything that happened in the world. */
  readonly order: number;
  /** Everything it would answer. A taken-up answer begins with the first token that is its own. */
  readonly tokens: readonly string[];
  tokensSent: number;
  /** The protocol's own end was sent. */
  isWhole: boolean;
  /** When it was. */
  wholeAtMs: number | undefined;
  /** When the connection was given back or cut; undefined while it stands. */
  closedAtMs: number | undefined;
  /** Over a dead kept connection: the router may send it again as one and the same attempt. */
  readonly mayBeReplaced: boolean;
}

export interface FakeBackend {
  readonly index: number;
  readonly id: string;
  readonly on: 'wire' | 'custom';
  readonly format: WireName;
  /** Its own key, which no other may get. */
  readonly key: string;
  readonly machine: Machine;
  /** Undefined where every model is there at any time. */
  readonly memory: Memory | undefined;
  /** What it does with a call that comes now. */
  kindFor(verb: Verb): FaultName;
}

/** What the fake backends of one simulation share. */
export interface World {
  readonly clock: VirtualClock;
  /** For faults and their times alone. */
  readonly dice: Dice;
  readonly backends: readonly FakeBackend[];
  readonly calls: UpstreamCall[];
  /** Credentials that went to the wrong place, hosts that nobody configured. */
  readonly leaks: string[];
  /** Counts everything that happens, so that any two things have an order. */
  next(): number;
  /** Questions after the load that are under way, and those that got an answer. */
  readonly polls: { open: number; told: number };
  /** A backend tells its load at this moment. */
  onTold(backend: string, report: LoadReport): void;
  /** What servers repeat of what they were sent: the text of a chat, the first one of an embedding. */
  readonly echo: { readonly chat: string; readonly embed: string };
  /** Sees whatever a backend is sent, where secrets are looked for. */
  readonly onSent: ((sent: unknown) => void) | undefined;
  /** A text inside of every answer. */
  readonly mark: string;
}

export function openCall(world: World, backend: FakeBackend, verb: Verb, sent: string): UpstreamCall {
  const { clock, dice, calls } = world;
  const number = calls.length;
  const request = Number(/request:(\d+);/.exec(sent)?.[1] ?? -1);
  const kind = backend.kindFor(verb);
  const from = takenUpAt(sent, request);
  const count = from + dice.whole(1, 8);
  const suffix = number % 3 === 0 ? '✓ ' : ' ';
  const token = (index: number): string => `b${backend.index}.${number}:r${request}:t${index}${index === 0 ? world.mark : ''}${suffix}`;
  const call: UpstreamCall = {
    number,
    backend,
    request,
    verb,
    kind,
    startedAtMs: clock.nowMs(),
    order: world.next(),
    tokens: Array.from({ length: count - from }, (_, index) => token(from + index)),
    tokensSent: 0,
    isWhole: false,
    wholeAtMs: undefined,
    closedAtMs: undefined,
    mayBeReplaced: kind === 'stale-socket' || kind === 'reset-early',
  };
  calls.push(call);
  return call;
}

/** A begun answer that is to be taken up stands in the request: the next token goes on with its count. */
function takenUpAt(sent: string, request: number): number {
  const mark = `:r${request}:t`;
  const at = sent.lastIndexOf(mark);
  return at === -1 ? 0 : Number.parseInt(sent.slice(at + mark.length), 10) + 1;
}

export function closeCall(world: World, call: UpstreamCall): void {
  call.closedAtMs ??= world.clock.nowMs();
}

/** It has said its last word. */
export function endCall({ clock }: World, call: UpstreamCall): void {
  call.isWhole = true;
  call.wholeAtMs ??= clock.nowMs();
}

/** One second of three in which whoever asks a backend how it is gets a failure, whatever becomes of calls. */
export function failsHealth({ clock }: World): boolean {
  return Math.floor(clock.nowMs() / 1_000) % 3 === 0;
}

/** When the first word of an answer comes, and how long it takes between two. */
export function pace({ dice }: World, isSlow: boolean): { readonly headMs: number; readonly gapMs: number } {
  return isSlow
    ? { headMs: dice.spread(1_500, 15_000), gapMs: dice.spread(50, 1_500) }
    : { headMs: dice.spread(4, 150), gapMs: dice.whole(0, 40) };
}

export function systemError(code: string, bytesRead?: number): Error {
  const cause = Object.assign(new Error('what the system said'), { code, ...(bytesRead !== undefined && { socket: { bytesRead } }) });
  return Object.assign(new TypeError('fetch failed'), { cause });
}
