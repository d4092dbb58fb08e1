import { InvalidArgumentError, type SharedV4ProviderOptions, type SharedV4Warning } from '@ai-sdk/provider';
import { type CallOptions, type ChatRequest, hopsOf } from '../index.ts';

/** Options of a call that the AI SDK has no place of its own for, and that JSON can hold. */
const routingNames = [
  'intent',
  'provider',
  'without',
  'deadlineMs',
  'maxAttempts',
  'allowPaid',
  'maxLocality',
  'maxCostUsd',
  'session',
  'caller',
  'requestId',
  'hedge',
  'cache',
  'timeouts',
] as const;

type RoutingName = (typeof routingNames)[number];

/** The same with the implicit index signature that the AI SDK's JSON type asks of its options. */
type Plain<Shape> = { readonly [Name in keyof Shape]: Shape[Name] };

type Routing = Plain<Pick<CallOptions, Exclude<RoutingName, 'timeouts'>>> & {
  readonly timeouts?: Plain<NonNullable<CallOptions['timeouts']>> | undefined;
};

/** Those of embeddings. */
export type InferlaneEmbedOptions = Routing & {
  /** Whom the request is for, told to the server. */
  readonly user?: string | undefined;
  /** Body fields of one backend, keyed by provider type: `{ ollama: { keep_alive: '10m' } }`. */
  readonly extra?: { readonly [type: string]: { readonly [field: string]: JsonValue } } | undefined;
};

type JsonValue = null | string | number | boolean | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** `providerOptions.inferlane`: how one call is routed, and the fields of a request that the AI SDK does not know. */
export type InferlaneOptions = InferlaneEmbedOptions & {
  /**
   * After content was given out. `restart` is not among them: nothing in the AI SDK's stream takes back what was given out.
   * @default 'error', whatever the router's own default is
   */
  readonly onStreamFailure?: 'error' | 'continue' | undefined;
  readonly parallelToolCalls?: boolean | undefined;
  readonly logitBias?: { readonly [token: string]: number } | undefined;
  /**
   * Asks for the strict form of a JSON Schema, which OpenAI refuses where a property is not required.
   * @default the server's
   */
  readonly strictJsonSchema?: boolean | undefined;
};

/** What holds for every call of a provider, where `providerOptions.inferlane` does not say otherwise. */
export type InferlaneDefaults = InferlaneOptions & {
  /**
   * The most texts that one call for embeddings has; `embedMany` cuts longer lists.
   * @default 512
   */
  readonly maxEmbeddingsPerCall?: number | undefined;
};

const embedNames: readonly string[] = [...routingNames, 'user', 'extra'];
const chatNames: readonly string[] = [...embedNames, 'onStreamFailure', 'parallelToolCalls', 'logitBias', 'strictJsonSchema'];

/**
 * The options of one call. Values are checked by the router, which refuses what nobody could carry out.
 * @throws {InvalidArgumentError} for a name that is none, so that a slip of the pen is no call to a paid provider.
 */
export function optionsOf(
  verb: 'chat' | 'embed',
  defaults: InferlaneDefaults,
  given: SharedV4ProviderOptions | undefined,
): InferlaneOptions {
  const own = given?.['inferlane'] ?? {};
  const { maxEmbeddingsPerCall: _ofTheProvider, ...usual } = defaults;
  const names = verb === 'chat' ? chatNames : embedNames;
  for (const name of Object.keys(own)) {
    if (!names.includes(name)) throw unknownOption(name, names);
  }
  const { onStreamFailure } = own;
  if (onStreamFailure !== undefined && onStreamFailure !== 'error' && onStreamFailure !== 'continue') {
    const message =
      "providerOptions.inferlane.onStreamFailure must be 'error' or 'continue': text that was given out cannot be taken back.";
    throw new InvalidArgumentError({ argument: 'providerOptions.inferlane.onStreamFailure', message });
  }
  return { ...usual, ...own } as InferlaneOptions;
}

function unknownOption(name: string, names: readonly string[]): InvalidArgumentError {
  const message = `providerOptions.inferlane has no option "${name.slice(0, 40)}"; there are ${names.join(', ')}.`;
  return new InvalidArgumentError({ argument: 'providerOptions.inferlane', message });
}

/** How the call is routed. A call that came through another router counts that one, so that it cannot go in circles. */
export function routingOf(
  options: InferlaneOptions,
  { abortSignal, headers = {} }: { readonly abortSignal?: AbortSignal; readonly headers?: Readonly<Record<string, string | undefined>> },
): CallOptions {
  const chosen = routingNames.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]));
  const sent = Object.entries(headers).filter(isForServers);
  const hops = hopsOf(headers);
  return {
    ...(Object.fromEntries(chosen) as CallOptions),
    ...(abortSignal && { signal: abortSignal }),
    ...(hops > 0 && { hops }),
    ...(sent.length > 0 && { headersFor: () => Object.fromEntries(sent) }),
  };
}

/** Never a credential: the next server may be another company's. Nor what the AI SDK says of itself, nor what a router counts anew. */
const kept = /^(?:authorization|proxy-authorization|cookie|user-agent|x-inferlane-.*|.*(?:api-?key|token|secret).*)$/i;

function isForServers(header: [string, string | undefined]): header is [string, string] {
  return header[1] !== undefined && !kept.test(header[0]);
}

/** For headers that hold credentials. */
export function headerWarnings(headers: Readonly<Record<string, string | undefined>> = {}): SharedV4Warning[] {
  const names = Object.keys(headers).filter((name) => kept.test(name) && !/^(?:user-agent$|x-inferlane-)/i.test(name));
  const details = 'A credential of the call would reach every server that is tried; give each provider its own apiKey or headers.';
  return names.map((name) => ({ type: 'unsupported', feature: `the header ${name}`, details }));
}

/** Fields of a request that have names of their own here. */
export function requestFieldsOf({ user, extra, parallelToolCalls, logitBias }: InferlaneOptions): Partial<ChatRequest> {
  return {
    ...(user !== undefined && { user }),
    ...(extra !== undefined && { extra }),
    ...(parallelToolCalls !== undefined && { parallel_tool_calls: parallelToolCalls }),
    ...(logitBias !== undefined && { logit_bias: logitBias }),
  };
}
