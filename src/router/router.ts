import type { RouterError } from '../core/errors.ts';
import type { ConfigChanges, EventName, Listener } from '../core/events.ts';
import type { ChatCompletion, ChatRequest, EmbeddingList, EmbedRequest } from '../core/types.ts';
import type { CallOptions } from '../config/call-options.ts';
import type { RouterOptions } from '../config/options.ts';
import type { Plan } from '../routing/plan.ts';
import type { ChatStream } from './chat-stream.ts';
import type { DrillOptions, FailoverTest, ProviderTest } from './drill.ts';
import type { ExplainOptions } from './explain.ts';
import type { HealthAsk, HealthSummary } from './health-report.ts';
import type { InventoryAsk, ModelInventory } from './inventory.ts';
import type { RecordSink } from './record-outlet.ts';
import type { Spending } from './metering.ts';
import type { RouterSnapshot } from './snapshot.ts';
import type { ParsedCompletion, SchemaRequest } from './structured.ts';

/** `tryChat()`: an answer, or the error in its place. */
export type TriedChat =
  | { readonly success: true; readonly provider: string; readonly content: string; readonly answer: ChatCompletion }
  | { readonly success: false; readonly provider: string | undefined; readonly errorMessage: string; readonly error: RouterError };

export interface CloseOptions {
  /**
   * Calls under way get this long to end by themselves; then they are aborted with a `closed` error.
   * @default 5_000
   */
  readonly drainMs?: number | undefined;
}

/**
 * One client over many providers. Every verb rejects with a `RouterError`, or with the reason of the caller's own signal,
 * untouched. A request is copied when its call begins: its fields, lists and messages; what lies in those is the caller's own and better
 * left alone until the call has ended. `Router` alone takes any name of a provider, a model or an intent; `createRouter()` gives one that knows its own, and
 * `const router: Router = createRouter(…)` forgets them, for names that come from elsewhere or with `update()`.
 */
export interface Router<
  Provider extends string = string,
  Model extends string = string,
  Intent extends string = string,
> extends AsyncDisposable {
  /** One answer, from the first candidate that can give it. */
  chat(request: ChatRequest<Model>, options?: CallOptions<Provider, Intent>): Promise<ChatCompletion>;
  /**
   * One answer as a value: `response_format` is a schema (zod's, or any Standard Schema that tells its JSON Schema), and
   * `parsed` what it makes of the answer. One that does not fit rejects with `bad_response`, after one repair where
   * `repair: true` asks for it.
   */
  chat<Value>(request: SchemaRequest<Value, Model>, options?: CallOptions<Provider, Intent>): Promise<ParsedCompletion<Value>>;
  /** `chat()` for those who would rather look at a flag than catch an error. Rejects for an abort only. */
  tryChat(request: ChatRequest<Model>, options?: CallOptions<Provider, Intent>): Promise<TriedChat>;
  /** Resolves when the first content is in hand: until then failures are silent, after it they end the stream. */
  stream(request: ChatRequest<Model>, options?: CallOptions<Provider, Intent>): Promise<ChatStream>;
  /** One vector per input, in order, all from one model. */
  embed(request: EmbedRequest<Model>, options?: CallOptions<Provider, Intent>): Promise<EmbeddingList>;
  /** Asks every provider how it is, within `health.timeoutMs`. Rejects for an abort only. */
  health(options?: HealthAsk): Promise<HealthSummary>;
  /** Asks every provider for its models: what each serves, and who serves each. Rejects for an abort only. */
  models(options?: InventoryAsk): Promise<ModelInventory>;
  /**
   * Asks one provider how it is, and for a short answer, which costs a few tokens: naming one that is paid is consent. Rejects for an
   * abort, and with `invalid_request` where there is no such provider.
   */
  testProvider(id: Provider, options?: DrillOptions<Intent>): Promise<ProviderTest>;
  /**
   * What would happen if a provider died, for each of them, by trying it: a short call that does not go there. Costs a few tokens each;
   * paid providers answer only where `allowPaid` lets them. Those that an update takes away meanwhile are left out. Rejects for an
   * abort, and with `closed` where the router is closed meanwhile.
   */
  testFailover(options?: DrillOptions<Intent>): Promise<readonly FailoverTest[]>;
  /** The plan for a request, with the time that each candidate is expected to need, without carrying it out; `formatPlan()` makes a text of it. */
  explain(
    request: ChatRequest<Model> | SchemaRequest<unknown, Model> | EmbedRequest<Model>,
    options?: ExplainOptions<Provider, Intent>,
  ): Plan;
  /**
   * Forgets that models ran out of memory: all of them, those of one provider, or one by the provider's own name for it. Gives how many
   * pins there were; they are listed in `snapshot()`.
   */
  unpin(which?: { readonly provider?: Provider | undefined; readonly model?: string | undefined }): number;
  /**
   * Closes breakers by hand, for somebody who knows that a server is well again: all of them, those of one provider, or that of one model.
   * Calls come back little by little, as after a probe. Gives how many were not closed.
   */
  closeCircuit(which?: { readonly provider?: Provider | undefined; readonly model?: string | undefined }): number;
  /**
   * Puts another configuration in the place of this one, as a whole. Calls under way end on the old one; what was learnt of servers that
   * stay (same type and address) is kept, and credentials that were refused are tried again where they are others. `clock`, `transport`,
   * `logger` and `random` go on where they are left out. An adapter that it goes without is closed after its last call, and cannot come back.
   * @throws {ConfigError} with every issue; then nothing has changed.
   */
  update(options: RouterOptions): ConfigChanges;
  /** What the router knows now, without asking anyone. */
  snapshot(): RouterSnapshot;
  /** What was used and spent by this router, and how its budgets stand. */
  spending(): Spending;
  /**
   * A `fetch` for clients of OpenAI's, Anthropic's and Ollama's APIs (`new OpenAI({ apiKey: 'unused', fetch: router.fetch })`): whatever host
   * and base path they believe in, the end of the path decides, and the router answers in this process. It never goes to the network by
   * itself: what is none of the routes of those APIs gets 404. The client's own key is not looked at. Headers `x-inferlane-*` say how a
   * call is routed. Rejects with the reason of the signal, and with a TypeError for what is no absolute URL. Needs no `this`.
   */
  fetch(this: void, input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /**
   * Writes what was decided for each call that begins from now on, and what is concluded of providers, as lines of JSON (`RecordLine`):
   * no prompt, no answer, no key, no URL; who asked is a digest. `simulate()` of `inferlane/testing` replays them. Where the sink is slow
   * 10,000 lines wait; more are counted and left out, and a line says how many. A sink that fails changes nothing for calls and is told
   * once, as `listener:error`. Gives what ends it; `close()` does as well. A stream like `fs.createWriteStream()` is not ended.
   */
  record(sink: RecordSink): () => void;
  on<Name extends EventName>(name: Name, listener: Listener<Name, Provider>): Router<Provider, Model, Intent>;
  once<Name extends EventName>(name: Name, listener: Listener<Name, Provider>): Router<Provider, Model, Intent>;
  off<Name extends EventName>(name: Name, listener: Listener<Name, Provider>): Router<Provider, Model, Intent>;
  /** Refuses new calls, lets those under way end, frees everything. Safe to call twice. */
  close(options?: CloseOptions): Promise<void>;
}
