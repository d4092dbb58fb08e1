import type { Call, HealthReport, LoadReport, ModelInfo, ModelName } from '../core/adapter.ts';
import type { Capabilities, Parameter } from '../core/capabilities.ts';
import type { EmbedAnswer, EmbedRequest } from '../core/types.ts';
import type { HttpClient } from '../lib/http.ts';
import type { JsonObject } from '../lib/json.ts';
import type { ChatBody, CallOrigin } from './openai-wire.ts';

/** What one server does differently from the others that speak OpenAI's protocol. */
export interface Dialect {
  /** The provider type; also the key of the request's `extra` whose fields this server gets. */
  readonly name: string;
  readonly capabilities: Partial<Capabilities>;
  /** Parameters that this server has no place for; they are taken out of the body. All have one for the limit of tokens. */
  readonly ignores?: readonly Exclude<Parameter, 'max_tokens'>[];
  /** @default 'required' */
  readonly modelName?: ModelName;
  /**
   * The server loads a model inside the request that names it.
   * @default false
   */
  readonly loadsOnDemand?: boolean;
  /**
   * A prompt that is too long for the window loses its beginning in silence.
   * @default false
   */
  readonly cutsPrompts?: boolean;
  /** The one name by which the server knows the limit of tokens; left out: both, so the request's own goes. */
  readonly limitName?: 'max_tokens' | 'max_completion_tokens';
  /**
   * The server takes `reasoning_content` of earlier answers back.
   * @default false
   */
  readonly takesReasoning?: boolean;
  /**
   * The server knows the role `developer`; the others get `system`.
   * @default false
   */
  readonly takesDeveloper?: boolean;
  /** Changes the chat body, before `extra` is added to it. Throws `unsupported` for what the server cannot be asked. */
  readonly body?: (body: ChatBody) => ChatBody;
  /**
   * Makes a body, `extra` included, one whose last message the server continues. Left out: it cannot; there, it is `prefill`.
   */
  readonly continued?: (body: JsonObject) => JsonObject;
  /**
   * A continued answer begins with the text that it continues.
   * @default false
   */
  readonly repeatsBegun?: boolean;
  /**
   * The server sends embeddings as base64 when asked to.
   * @default false
   */
  readonly base64?: boolean;
  /** Most inputs that one embedding request may hold; longer lists are split. Left out: no limit. */
  readonly maxInputs?: number;
  /** `false`: this server does not embed. A function: it embeds in its own way. Left out: `POST /v1/embeddings`. */
  readonly embed?: false | ((http: HttpClient, call: Call<EmbedRequest>, origin: CallOrigin) => Promise<EmbedAnswer>);
  /** Whether an answer, or a chunk, that came without any text means that no model is loaded. Given as it came. */
  readonly isNoModel?: (value: JsonObject) => boolean;
  /** Left out: `GET /v1/models`. */
  readonly models?: (http: HttpClient, signal: AbortSignal) => Promise<readonly ModelInfo[]>;
  /** Left out: `GET /v1/models` has to answer. */
  readonly health?: (http: HttpClient, signal: AbortSignal) => Promise<HealthReport>;
  readonly load?: (http: HttpClient, signal: AbortSignal) => Promise<LoadReport>;
}

/** What every server has, whether its dialect speaks of it or not. */
type Filled = Required<
  Pick<
    Dialect,
    | 'ignores'
    | 'modelName'
    | 'loadsOnDemand'
    | 'cutsPrompts'
    | 'takesReasoning'
    | 'takesDeveloper'
    | 'repeatsBegun'
    | 'base64'
    | 'maxInputs'
    | 'body'
    | 'isNoModel'
  >
>;

/** A dialect whose gaps are filled once, so that no call looks for them. */
export type ResolvedDialect = Dialect & Filled;

const gaps: Filled = {
  ignores: [],
  modelName: 'required',
  loadsOnDemand: false,
  cutsPrompts: false,
  takesReasoning: false,
  takesDeveloper: false,
  repeatsBegun: false,
  base64: false,
  maxInputs: Infinity,
  body: (same) => same,
  isNoModel: () => false,
};

export function resolveDialect(given: Dialect): ResolvedDialect {
  return { ...gaps, ...given };
}
