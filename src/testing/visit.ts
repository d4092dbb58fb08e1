import type { Clock } from '../index.ts';
import type { FakeCall, FakeRequest } from './backend.ts';
import { perform, type Sink } from './perform.ts';
import { type Action, play, playExchange, playLoading, playMistake } from './play.ts';
import type { Player } from './script-player.ts';
import type { FakeModel, FakeResident, Wire, WireCall, WireVerb } from './wire.ts';
import { textIn } from './wires/fields.ts';

/** A request as it came over a socket or through msw. */
export interface Arrival {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** '' where there was none. */
  readonly bodyText: string;
}

/** One request, from its arrival to the end of its answer. */
export interface Visit {
  /** Answers. Resolves when that is over, or when nobody waits for it any more; never rejects. */
  serve(sink: Sink): Promise<void>;
  /** The client went away. */
  leave(): void;
  /** The server goes away. */
  stop(): void;
}

/** What a fake backend knows and counts, whichever way its requests come. */
export interface Books {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly calls: FakeCall[];
  readonly requests: FakeRequest[];
  player: Player;
  models: readonly FakeModel[];
  resident: readonly FakeResident[];
  /** Calls under way. */
  running: number;
}

/** Writes the request down; it is answered by the script as it stands now. */
export function openVisit(arrival: Arrival, books: Books): Visit {
  const { clock, player } = books;
  const request = requestOf(arrival, books.wire);
  const gone = new AbortController();
  const isCall = isScripted(request.verb);
  let hasEnded = false;
  let wasLeft = false;
  const record: FakeRequest = {
    ...request,
    get aborted() {
      return wasLeft;
    },
  };
  books.requests.push(record);
  if (isCall) {
    books.calls.push(record as FakeCall);
    books.running += 1;
  }
  const end = (): void => {
    if (isCall && !hasEnded) books.running -= 1;
    hasEnded = true;
  };
  return {
    async serve(sink) {
      while ((await perform(nextActions(request, books, player), sink, clock, gone.signal)) === 'again');
      end();
    },
    leave() {
      wasLeft ||= !hasEnded;
      gone.abort();
    },
    stop() {
      end();
      gone.abort();
    },
  };
}

type Request = Omit<FakeRequest, 'aborted'>;

function requestOf({ method, path, headers, bodyText }: Arrival, wire: Wire): Request {
  const body = parseJson(bodyText);
  const [pathname = path] = path.split('?', 1);
  const model = wire.modelOf === undefined ? textIn(body, 'model') : wire.modelOf(pathname, body);
  return { verb: wire.verbOf(method, pathname, body), method, path, headers, body, model };
}

/** Undefined where there is none, and where it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Whether the script answers, and not the state of the server. */
function isScripted(verb: WireVerb | undefined): boolean {
  return verb === 'chat' || verb === 'stream' || verb === 'embed';
}

function nextActions(request: Request, books: Books, player: Player): readonly Action[] {
  const { wire, models, resident, running } = books;
  try {
    const { verb } = request;
    if (verb === undefined) return playExchange(wire.notFound(request));
    const call: WireCall = { ...request, verb };
    if (!isScripted(verb)) return playExchange(wire.tell(call, { models, resident, running, waiting: 0 }) ?? wire.notFound(request));
    const { step, loadingMs } = player.take(call);
    return loadingMs > 0 ? playLoading(loadingMs, wire, call) : play(step, wire, call);
  } catch (error) {
    return playMistake(error, wire);
  }
}
