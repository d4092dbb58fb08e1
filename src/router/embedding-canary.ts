import type { EmbedAnswer } from '../core/types.ts';
import { isWithin } from '../core/locality.ts';
import { openDeadline } from '../lib/deadline.ts';
import { once } from '../lib/once.ts';
import { createStop, type StopSignal } from '../lib/stop.ts';
import type { RouterConfig } from '../config/config.ts';
import { costUsd } from '../routing/cost.ts';
import { estimateTokens, mostPerEstimate } from '../routing/tokens.ts';
import { leastCosine } from './cosine.ts';
import { lengthOf } from './embedding-space.ts';
import type { Engine } from './engine.ts';
import { hopsHeader } from './own-headers.ts';
import { plainName, quoted, resolveModel } from './model-name.ts';
import type { Provider } from './provider.ts';
import type { ProviderState } from './provider-state.ts';
import type { ResolvedCall } from './resolve-call.ts';

/**
 * Texts that every provider of a shared space embeds, so that their vectors can be compared: a wrong pooling, a prefix that is missing
 * or another model shows in them and nowhere else. Several scripts, because tokenizers differ there first; a text of next to nothing,
 * because there the special tokens are all that counts.
 */
export const canaryTexts: readonly string[] = Object.freeze([
  'The harbour master closed the old lock after the spring flood.',
  'Why does dough rise, and how long should it rest?',
  'Ein kurzer Satz über Brot, Butter und Regenwetter.',
  '昨晚的火车晚点了两个小时。',
  'لا تنس أن تطفئ الضوء قبل أن تخرج.',
  'export const sum = (values) => values.reduce((left, right) => left + right, 0);',
  'Invoice 2031-44: 3 × 19.90 EUR, due on 14 March.',
  '.',
]);

const mostCanaryTokens = once(() => estimateTokens({ input: canaryTexts }) * mostPerEstimate);

/** Vectors of one model are at least so near; 16-bit and most 8-bit weights are as well. */
const sameCosine = 0.999;
/** Other quantisations of one model are at least so near; another pooling, prefix or model is farther off. */
const nearCosine = 0.99;
/** What did not answer in this time, or not at all, is asked again with the first call a while later. */
const answerMs = 30_000;
const againMs = 60_000;

type Embedder = Pick<Provider, 'id' | 'config' | 'adapter'> & { readonly state: Pick<ProviderState, 'foreignSpaces'> };

interface Member {
  readonly provider: Embedder;
  readonly model: string | undefined;
  /** `unknown`: not compared yet. */
  is: 'unknown' | 'same' | 'other';
  /** How it differs, where it does. */
  reason: string | undefined;
  /** That it could not be compared was told. */
  told: boolean;
  /** Infinite while a comparison is under way. */
  againAtMs: number;
}

interface Space {
  readonly name: string;
  /** In the order of the registry. */
  readonly members: Member[];
  /** What the others are compared with: the first member that answered. */
  reference: { readonly provider: string; readonly vectors: Vectors } | undefined;
}

const notCompared = { is: 'unknown', reason: undefined, told: false, againAtMs: -Infinity } as const;

type Vectors = readonly (readonly number[])[];
interface Parts extends Pick<Engine, 'config' | 'announce' | 'shutdown'> {
  readonly providers: ReadonlyMap<string, Embedder>;
  readonly replaced: StopSignal;
}

type CallLimits = Pick<ResolvedCall<unknown>, 'maxLocality' | 'maxCostUsd' | 'pays'>;
/** Who may be asked for the texts. */
type Limits = Pick<RouterConfig, 'allowPaid' | 'maxLocality' | 'maxCostUsd' | 'prices'>;

/** The comparison of providers that share an embedding space. What it finds stands in `foreignSpaces` of their states. */
export interface EmbeddingCanaries {
  /** At the start: compares in every space that is surely one of embeddings. Never rejects. */
  compareAll(): Promise<void>;
  /** A call is made in the space: those that were not compared before have another chance, beside the call and within its limits. */
  compareAgain(space: string, call: CallLimits): void;
  /** Another configuration has taken the place of this one: what is under way ends, and nothing is told any more. */
  stop(): void;
}

/**
 * It fails closed: in a space that several providers share by an alias, an `embeddingModel` or an `embeddingSpace`, whoever has not been
 * compared stands in for nobody. Until the first comparison only the first of the registry is let in, so that there is one who answers
 * and nobody to mix with. Verdicts hold as long as the router: with whom was let in first, all others are compared for good.
 */
export function createEmbeddingCanaries(given: Omit<Parts, 'replaced'>): EmbeddingCanaries {
  const replaced = createStop();
  const parts: Parts = { ...given, replaced };
  const spaces = sharedSpaces(parts);
  for (const space of spaces.values()) {
    for (const { id, state } of parts.providers.values()) {
      const isMember = space.members.some(({ provider }) => provider.id === id);
      if (!isMember) state.foreignSpaces.set(space.name, 'it is not configured for this embedding space, so its vectors are not compared');
    }
    enforce(space, parts.config);
  }
  return {
    async compareAll() {
      await Promise.all([...spaces.values()].filter(({ members }) => members.some(isEncoder)).map((space) => compare(space, parts)));
    },
    compareAgain(name, { maxLocality, maxCostUsd, pays }) {
      const space = spaces.get(name);
      const { allowPaid, prices } = parts.config;
      const limits = { maxLocality, maxCostUsd, allowPaid: allowPaid && pays !== 'nobody', prices };
      if (space !== undefined) void compare(space, parts, limits);
    },
    stop: () => replaced.stop(undefined),
  };
}

function sharedSpaces({ config, providers }: Parts): ReadonlyMap<string, Space> {
  const spaces = new Map<string, Space>();
  for (const provider of providers.values()) {
    const { modelName, embed } = provider.adapter;
    for (const requested of embed === undefined ? [] : [undefined, ...config.models.keys()]) {
      const question = { verb: 'embed', requested, provider: provider.config, modelName, config, denies: () => undefined } as const;
      const { model, missing, space: name } = resolveModel(question);
      if (missing !== undefined) continue;
      const space = spaces.get(name) ?? { name, members: [], reference: undefined };
      spaces.set(name, space);
      const isKnown = (each: Member): boolean => each.provider === provider && plainName(each.model ?? '') === plainName(model ?? '');
      if (!space.members.some(isKnown)) space.members.push({ provider, model, ...notCompared });
    }
  }
  for (const [name, { members }] of spaces) if (members.length < 2) spaces.delete(name);
  return spaces;
}

/**
 * An alias may as well be one of chat models, which nobody wants loaded for this. Where no name says that it embeds, the first call
 * that does so is waited for.
 */
function isEncoder({ provider: { config }, model }: Member): boolean {
  return model === config.embeddingModel || /embed/i.test(model ?? '');
}

/** Writes down what speaks against each provider; for one with several models in the space, against any of them. */
function enforce({ name, members, reference }: Space, config: RouterConfig): void {
  const first = members.find((member) => whyNotAsked(member, config) === undefined) ?? members[0];
  const others = reference?.provider ?? first?.provider.id;
  for (const { provider } of members) provider.state.foreignSpaces.delete(name);
  for (const member of members) {
    if (member.is === 'same' || (reference === undefined && member.provider === first?.provider)) continue;
    const { foreignSpaces } = member.provider.state;
    foreignSpaces.set(name, member.reason ?? `its vectors have not been compared with those of ${others} yet`);
  }
}

async function compare(space: Space, parts: Parts, limits: Limits = parts.config): Promise<void> {
  const { config, shutdown, replaced } = parts;
  if (replaced.aborted) return;
  const unknown = space.members.filter(({ is }) => is === 'unknown');
  const askable = unknown.filter((member) => whyNotAsked(member, config) === undefined);
  for (const member of unknown) if (!askable.includes(member)) judge(member, space, undefined, parts);
  const open = askable.filter((member) => config.clock.nowMs() >= member.againAtMs && whyNotAsked(member, limits) === undefined);
  // A call that may not ask everybody does not decide with whom all are compared.
  if (open.length === 0 || (space.reference === undefined && open.length < askable.length)) return;
  for (const member of open) member.againAtMs = Infinity;
  const answers = await Promise.all(open.map((member) => vectorsOf(member, parts)));
  // What a closed router hears is nobody's news, nor is what a configuration of before hears.
  if (shutdown.aborted || replaced.aborted) return;
  for (const [index, member] of open.entries()) {
    judge(member, space, answers[index], parts);
    member.againAtMs = config.clock.nowMs() + againMs;
  }
  enforce(space, config);
}

function judge(member: Member, space: Space, vectors: Vectors | undefined, parts: Parts): void {
  const { provider } = member;
  const tell = (message: string): void => parts.announce('config:warning', { path: `providers.${provider.id}`, message });
  const where = `the embedding space ${quoted(space.name)}`;
  if (vectors === undefined) {
    const why = whyNotAsked(member, parts.config) ?? 'it did not embed them';
    if (!member.told) tell(`is left out of ${where} until it has been compared with the others by a few texts: ${why}`);
    member.told = true;
    return;
  }
  member.is = 'same';
  if (space.reference === undefined) {
    space.reference = { provider: provider.id, vectors };
    return;
  }
  const { provider: other } = space.reference;
  const cosine = leastCosine(vectors, space.reference.vectors);
  // What is no number is not near either.
  if (cosine !== undefined && cosine >= sameCosine) return;
  if (cosine !== undefined && cosine >= nearCosine) {
    tell(`its vectors in ${where} are near those of ${other} and not the same (cosine ${shown(cosine)}): another quantisation?`);
    return;
  }
  member.is = 'other';
  const found = cosine === undefined ? 'they are of another length' : `cosine ${shown(cosine)}`;
  member.reason = `its vectors differ from those of ${other} (${found})`;
  tell(`is left out of ${where}: ${member.reason}; it serves another model, or with another pooling or prefix`);
}

function whyNotAsked({ provider: { config }, model }: Member, { allowPaid, maxLocality, maxCostUsd, prices }: Limits): string | undefined {
  const { type, cost, locality } = config;
  if (!isWithin(locality, maxLocality)) return `it lies in "${locality}", and maxLocality is "${maxLocality}"`;
  if (cost === 'free') return undefined;
  if (!allowPaid) return 'it costs money, and allowPaid is false';
  if (maxCostUsd === undefined) return undefined;
  const price = model === undefined ? undefined : prices?.priceOf(type, model);
  if (price === undefined) return 'its price is not known, and maxCostUsd is set';
  return costUsd(price, mostCanaryTokens(), 0) <= maxCostUsd ? undefined : 'the texts may cost more than maxCostUsd';
}

/** Undefined where it gives no answer, or none that can be compared: that is the health check's business. */
async function vectorsOf({ provider, model }: Member, { config, shutdown, replaced }: Parts): Promise<Vectors | undefined> {
  const { id, adapter } = provider;
  if (adapter.embed === undefined) return undefined;
  const endsAtMs = config.clock.nowMs() + answerMs;
  const deadline = openDeadline({ clock: config.clock, provider: id, signals: [shutdown, replaced], endsAtMs, endPhase: 'total' });
  const ids = { requestId: globalThis.crypto.randomUUID(), headers: { [hopsHeader]: '1' } };
  try {
    const answer = await deadline.waitFor(adapter.embed({ request: { input: canaryTexts }, model, signal: deadline.signal, ...ids }));
    return comparable(id, answer);
  } catch {
    return undefined;
  } finally {
    deadline.dispose();
  }
}

function comparable(provider: string, { data }: EmbedAnswer): Vectors | undefined {
  const vectors = data.map(({ embedding }) => embedding);
  return vectors.length === canaryTexts.length && lengthOf(provider, vectors) !== undefined ? vectors : undefined;
}

/** Rounded down: what missed a threshold must not look as if it had met it. */
function shown(cosine: number): string {
  return String(Math.floor(cosine * 10_000) / 10_000);
}
