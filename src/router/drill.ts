import { isRouterError, RouterError } from '../core/errors.ts';
import type { ChatRequest } from '../core/types.ts';
import { didYouMean } from '../config/nearest.ts';
import type { CallOptions } from '../config/call-options.ts';
import type { Engine } from './engine.ts';
import { checkOne } from './health.ts';
import type { ProviderHealth } from './health-report.ts';
import { quoted } from './model-name.ts';
import type { Router } from './router.ts';
import { type ShownError, shownError } from './shown-error.ts';

export interface DrillOptions<Intent extends string = string> {
  /** The model to ask for. Left out: each provider's own default. */
  readonly model?: string | undefined;
  /** @default the router's `defaultIntent` */
  readonly intent?: Intent | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a short call went. */
export interface DrillCall {
  readonly ok: boolean;
  /** Who answered; undefined where nobody did. */
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly ms: number;
  readonly error: ShownError | undefined;
}

export interface ProviderTest extends DrillCall {
  readonly health: ProviderHealth;
}

/** What happened without one of the providers. */
export interface FailoverTest extends DrillCall {
  readonly without: string;
}

const question: ChatRequest = { messages: [{ role: 'user', content: 'Reply with the word ok.' }], max_tokens: 16 };

type Client = Pick<Router, 'chat' | 'embed'>;

export async function testProvider(client: Client, engine: Engine, id: string, options: DrillOptions): Promise<ProviderTest> {
  const provider = engine.providers.get(id);
  if (provider === undefined) {
    throw new RouterError('invalid_request', `There is no provider ${quoted(id)}${didYouMean(id, [...engine.providers.keys()])}.`);
  }
  const health = await checkOne(provider, engine, options.signal);
  const call = await tryOut(client, engine, provider.adapter.chats, options, { provider: id, maxAttempts: 1 });
  return { ...call, health };
}

/**
 * One after the other: side by side they would stand in each other's way. An update in between takes some out of it.
 * @param engine That of now.
 */
export async function testFailover(client: Client, engine: () => Engine, options: DrillOptions): Promise<readonly FailoverTest[]> {
  const tests: FailoverTest[] = [];
  for (const { id } of engine().list) {
    const { providers, list } = engine();
    if (!providers.has(id)) continue;
    const chats = list.some((other) => other.id !== id && other.adapter.chats);
    tests.push({ without: id, ...(await tryOut(client, engine(), chats, options, { without: [id] })) });
  }
  return tests;
}

async function tryOut(
  client: Client,
  { config: { clock } }: Engine,
  chats: boolean,
  { model, intent, signal }: DrillOptions,
  own: CallOptions,
): Promise<DrillCall> {
  const startMs = clock.nowMs();
  const named = model === undefined ? {} : { model };
  const options: CallOptions = { ...own, intent, signal, cache: false };
  try {
    const { route } = await (chats ? client.chat({ ...question, ...named }, options) : client.embed({ input: 'ok', ...named }, options));
    return { ok: true, provider: route.provider, model: route.model, ms: clock.nowMs() - startMs, error: undefined };
  } catch (error) {
    // Neither a caller who leaves nor a router that closes says anything of the providers.
    if (signal?.aborted === true || isRouterError(error, 'closed')) throw error;
    const told = shownError(error, 'The adapter failed with a foreign error.');
    return { ok: false, provider: undefined, model: undefined, ms: clock.nowMs() - startMs, error: told };
  }
}
