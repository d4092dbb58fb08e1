import type { Answer, Failure } from './script.ts';

/** What a request to a server is. `chat`, `stream` and `embed` are steps of the script; the others are answered from its state. */
export type WireVerb = 'chat' | 'stream' | 'embed' | 'models' | 'health' | 'load' | 'about';

/** A request as it arrived. */
export interface WireCall {
  readonly verb: WireVerb;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed JSON body; undefined where there was none. */
  readonly body: unknown;
  /** The model that the request names. */
  readonly model: string | undefined;
}

/** What goes back, in the pieces that faults are counted in. The body is opening + pieces + closing. */
export interface Exchange {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Before the first piece of content: a role, the start of a message. */
  readonly opening: string;
  /** Streams: one entry per piece of content. Whole answers: the body, cut into a few pieces. */
  readonly pieces: readonly string[];
  /** The end, the usage and the terminator of a stream. */
  readonly closing: string;
}

export interface FakeModel {
  readonly id: string;
  /** In tokens. */
  readonly contextLength?: number | undefined;
  readonly sizeBytes?: number | undefined;
}

export interface FakeResident extends FakeModel {
  /** Part of the model in GPU memory; less than `sizeBytes` means it spilled. */
  readonly vramBytes?: number | undefined;
}

/** What a server knows beside its answers. */
export interface BackendState {
  readonly models: readonly FakeModel[];
  readonly resident: readonly FakeResident[];
  /** Calls under way and calls that wait, where the server tells. */
  readonly running: number;
  readonly waiting: number;
}

/** One server's protocol: scenarios in, literal bytes out. No time, no sockets, no state of its own. */
export interface Wire {
  /** The provider type, or the name of your own backend. */
  readonly name: string;
  /** Undefined: the server has no such path. `path` comes without its query. */
  verbOf(method: string, path: string, body: unknown): WireVerb | undefined;
  /** The model that a request names, where it stands elsewhere than in the body's `model`. */
  readonly modelOf?: ((path: string, body: unknown) => string | undefined) | undefined;
  /**
   * The text of which a request asks for the rest; undefined where it asks for a new answer. Left out: the server begins every
   * answer anew.
   */
  begunBy?(call: WireCall): string | undefined;
  /** A successful `chat`, `stream` or `embed`. Of an answer that was begun, as much as the server writes. */
  answer(answer: Answer, call: WireCall): Exchange;
  /** Undefined: this server knows no such failure. `status`, `empty` and `html` are known to all. */
  fail(failure: Failure, call: WireCall): Exchange | undefined;
  /** The bytes of an error in the middle of a stream, terminator included; '' where the server just ends its body. */
  errorInStream(failure: Failure, call: WireCall): string;
  /** What cannot be read, framed as a piece of this call's answer. */
  garbage(call: WireCall): string;
  /** `models`, `health`, `load`, `about`. Undefined: 404 in this server's shape. */
  tell(call: WireCall, state: BackendState): Exchange | undefined;
  /** A path that the server does not have. */
  notFound(call: Omit<WireCall, 'verb' | 'model'>): Exchange;
  /**
   * What happens to calls while a model loads: `answers` with the failure `loading`, `refuses` (does not listen yet), or `waits`
   * inside the call.
   */
  readonly whileLoading: 'answers' | 'refuses' | 'waits';
}

/** An exchange whose body is one JSON value. */
export function jsonExchange(value: unknown, code: number = 200, headers: Readonly<Record<string, string>> = {}): Exchange {
  const text = JSON.stringify(value);
  return { status: code, headers: { 'content-type': 'application/json', ...headers }, opening: '', pieces: cut(text), closing: '' };
}

/** An exchange whose body is plain text, or nothing. */
export function textExchange(text: string, code: number = 200, type: string = 'text/plain; charset=utf-8'): Exchange {
  return { status: code, headers: { 'content-type': type }, opening: '', pieces: text === '' ? [] : cut(text), closing: '' };
}

/** In a few pieces of whole characters, so that a cut falls into the middle of the body. */
function cut(text: string): readonly string[] {
  const characters = [...text];
  const length = Math.max(1, Math.ceil(characters.length / 4));
  return Array.from({ length: Math.ceil(characters.length / length) }, (_, at) =>
    characters.slice(at * length, (at + 1) * length).join(''),
  );
}
