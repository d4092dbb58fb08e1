import type { Break, Does } from './fault-kinds.ts';
import { errorText } from './sayings.ts';
import { closeCall, endCall, pace, systemError, type UpstreamCall, type World } from './upstream.ts';
import { type Frame, framesOf, wireFormats } from './wires.ts';

/** A body on its way: what comes when, and how it ends. */
interface Journey {
  readonly frames: readonly Frame[];
  /** After so many bytes nothing more comes. */
  readonly cutAt: number;
  readonly ending: 'end' | 'reset' | 'hang';
  readonly gapMs: number;
  /** Cut into pieces that know nothing of frames. */
  readonly isSliced: boolean;
}

const encoder = new TextEncoder();

/** The body of one answer, from the first byte on. It comes whether or not anyone reads; leaving it closes the call. */
export function openBody(world: World, call: UpstreamCall, journey: Journey, signal: AbortSignal): ReadableStream<Uint8Array> {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let over = false;
  const stop = (): void => {
    if (over) return;
    over = true;
    signal.removeEventListener('abort', onAbort);
    closeCall(world, call);
  };
  const onAbort = (): void => {
    if (over) return;
    stop();
    controller.error(signal.reason);
  };
  const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given), cancel: stop });
  signal.addEventListener('abort', onAbort, { once: true });
  const finish = (): void => {
    if (over || journey.ending === 'hang') return;
    stop();
    if (journey.ending === 'end') controller.close();
    else controller.error(systemError('ECONNRESET'));
  };
  const bytes = encoder.encode(journey.frames.map(({ text }) => text).join(''));
  const pieces = piecesOf(world, journey, bytes.length);
  const book = bookkeeper(world, call, journey.frames);
  const send = (index: number, from: number): void => {
    if (over) return;
    const to = pieces[index];
    if (to === undefined) return finish();
    controller.enqueue(bytes.subarray(from, to));
    book(to);
    if (index + 1 >= pieces.length) return finish();
    if (journey.gapMs === 0) return send(index + 1, to);
    world.clock.at(journey.isSliced ? journey.gapMs / 4 : journey.gapMs, () => send(index + 1, to));
  };
  send(0, 0);
  return body;
}

/** Where the network cuts: the ends of the pieces. */
function piecesOf({ dice }: World, { frames, cutAt, isSliced }: Journey, total: number): number[] {
  const last = Math.min(cutAt, total);
  const ends: number[] = [];
  if (isSliced) {
    for (let at = dice.whole(1, 24); at < last; at += dice.whole(1, 24)) ends.push(at);
  } else {
    const isLoose = dice.chance(0.5);
    let end = 0;
    for (const { text } of frames) {
      end += Buffer.byteLength(text);
      const at = isLoose ? end - dice.whole(0, Math.min(text.length - 1, 60)) : end;
      if (at < last && at > (ends.at(-1) ?? 0)) ends.push(at);
    }
  }
  if (last > 0) ends.push(last);
  return ends;
}

/** Notes how much of the answer is out once so many bytes are. The line break behind an event adds nothing to it. */
function bookkeeper(world: World, call: UpstreamCall, frames: readonly Frame[]): (sent: number) => void {
  let index = 0;
  let end = 0;
  return (sent) => {
    for (let frame = frames[index]; frame !== undefined; frame = frames[index]) {
      const next = end + Buffer.byteLength(frame.text);
      if (next - (frame.text.length - frame.text.trimEnd().length) > sent) return;
      call.tokensSent = Math.max(call.tokensSent, frame.tokens);
      if (frame.isTerminal) endCall(world, call);
      end = next;
      index += 1;
    }
  };
}

type Streamed = Extract<Does, { type: 'answers' | 'breaks' }>;

/** The journey of a stream that is answered, or breaks on the way. */
export function streamJourney(world: World, call: UpstreamCall, does: Streamed): Journey {
  const { dice } = world;
  const format = wireFormats[call.backend.format];
  const { gapMs } = pace(world, does.type === 'answers' && does.pace === 'slow');
  const all = framesOf(format, call.tokens);
  const base = { cutAt: Infinity, ending: 'end' as const, gapMs, isSliced: false };
  if (does.type === 'answers') {
    if (does.pace === 'slices') return { ...base, frames: all, gapMs: Math.max(gapMs, 4), isSliced: true };
    if (does.oddity === 'no-done' && format === wireFormats.openai) return { ...base, frames: all.slice(0, -1) };
    if (does.oddity === 'pings') return { ...base, frames: all.flatMap((frame) => [pingAfter(frame, format.ping), frame]) };
    if (does.oddity === 'after-done') return { ...base, frames: [...all, { text: format.token('late '), tokens: 0, isTerminal: false }] };
    return { ...base, frames: all };
  }
  const { where, how } = does;
  if (where === 'anywhere') {
    const length = all.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    return { ...base, frames: all, cutAt: dice.whole(0, length - 1), ending: endingOf(how), isSliced: dice.chance(0.2) };
  }
  const preamble = format.preamble.length;
  const kept = where === 'preamble' ? dice.whole(0, preamble) : preamble + dice.whole(1, call.tokens.length);
  if (how === 'endless') {
    const ping = { text: dice.chance(0.5) ? format.ping : (format.preamble[0] as string), tokens: 0, isTerminal: false };
    return { ...base, frames: [...all.slice(0, preamble), ...Array.from({ length: 400 }, () => ping)], gapMs: 60, ending: 'hang' };
  }
  const said = eventText(how, call, world);
  const tail = said === '' ? [] : [{ text: said, tokens: 0, isTerminal: false }];
  return { ...base, frames: [...all.slice(0, kept), ...tail], ending: endingOf(how) };
}

function pingAfter({ tokens }: Frame, text: string): Frame {
  return { text, tokens: Math.max(0, tokens - 1), isTerminal: false };
}

function endingOf(how: Break): Journey['ending'] {
  return how === 'reset' || how === 'hang' ? how : 'end';
}

function eventText(how: Break, call: UpstreamCall, world: World): string {
  const format = wireFormats[call.backend.format];
  if (how === 'bad-json') return format.badEvent;
  return how === 'error' || how === 'oom' ? format.errorEvent(errorText(how === 'oom' ? 'oom' : 'error', call, world).message) : '';
}

/** The journey of an answer in one piece of JSON. */
export function wholeJourney(world: World, call: UpstreamCall, text: string, does: Does): Journey {
  const { dice } = world;
  const frame: Frame = { text, tokens: call.tokens.length, isTerminal: true };
  const { gapMs } = pace(world, does.type === 'answers' && does.pace === 'slow');
  const base = { frames: [frame], cutAt: Infinity, ending: 'end' as const, gapMs, isSliced: dice.chance(0.1) };
  if (does.type !== 'breaks') return base;
  return { ...base, cutAt: dice.whole(1, Math.max(1, Buffer.byteLength(text) - 1)), ending: endingOf(does.how) };
}
