import type { ChatRequest, ProviderType } from '../index.ts';

/** Fields that OpenAI's document does not have, or that OpenAI alone has, and that clients send to whoever answers. */
export interface ServerFields {
  readonly top_k?: number | undefined;
  readonly min_p?: number | undefined;
  /** 1 is none. */
  readonly repetition_penalty?: number | undefined;
  readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | undefined;
  readonly verbosity?: 'low' | 'medium' | 'high' | undefined;
}

export type ServerField = keyof ServerFields;

type Fields = Readonly<Record<string, unknown>>;
type Write = (value: unknown) => Fields;
type Words = Readonly<Partial<Record<ServerField, Write>>>;

const as =
  (name: string): Write =>
  (value) => ({ [name]: value });
const asOption =
  (name: string): Write =>
  (value) => ({ options: { [name]: value } });

const [top_k, min_p, repetition_penalty] = [as('top_k'), as('min_p'), as('repetition_penalty')];
const ofEngines: Words = { top_k, min_p, repetition_penalty, chat_template_kwargs: as('chat_template_kwargs') };

/** How the chats of each type of provider have a field. A type, or a field, that is not here has no word for it. */
const words: Readonly<Partial<Record<ProviderType | 'custom', Words>>> = {
  vllm: ofEngines,
  sglang: ofEngines,
  together: ofEngines,
  llamacpp: { ...ofEngines, repetition_penalty: as('repeat_penalty') },
  lmstudio: { top_k, repetition_penalty: as('repeat_penalty') },
  textgen: { top_k, min_p, repetition_penalty },
  ollama: { top_k: asOption('top_k'), min_p: asOption('min_p'), repetition_penalty: asOption('repeat_penalty') },
  // The server makes it of the presence penalty, two higher.
  tgi: { repetition_penalty: (value) => ({ presence_penalty: Number(value) - 2 }) },
  'remote-gpu': { repetition_penalty },
  openai: { verbosity: as('verbosity') },
  // Whoever wrote the adapter knows.
  custom: { ...ofEngines, verbosity: as('verbosity') },
};

/** For the reference: which types have a word for a field. */
export function typesThatTake(field: ServerField): readonly string[] {
  return Object.entries(words).flatMap(([type, its]) => (field in its ? [type] : []));
}

/** The fields for each type that has a word for them; what the caller wrote for a type stands for ours. */
export function toExtra(fields: ServerFields, given: ChatRequest['extra']): ChatRequest['extra'] {
  const set = setIn(fields);
  if (set.length === 0) return given;
  const extra: Record<string, Fields> = { ...given };
  for (const [type, its] of Object.entries(words)) {
    const ours = set.map(([field, value]) => its[field]?.(value)).filter((written) => written !== undefined);
    if (ours.length > 0) extra[type] = [...ours, given?.[type] ?? {}].reduce(joined);
  }
  return extra;
}

/** What a provider has not been told, because its type has no word for it; `extra` is what was sent. */
export function untold(fields: ServerFields, extra: ChatRequest['extra'], typeOf: () => string | undefined): readonly ServerField[] {
  const set = setIn(fields);
  if (set.length === 0) return [];
  const type = typeOf();
  const its = Object.entries(words).find(([name]) => name === type)?.[1] ?? {};
  const given = extra?.[type ?? ''] ?? {};
  return set.flatMap(([field]) => (field in its || field in given ? [] : [field]));
}

/** What was asked for beyond OpenAI's document, and how it went out. */
export interface Extras {
  readonly serverFields: ServerFields;
  readonly request: Pick<ChatRequest, 'extra'>;
}

function setIn(fields: ServerFields): readonly (readonly [ServerField, unknown])[] {
  const all = Object.entries(fields) as [ServerField, unknown][];
  return all.filter(([field, value]) => value !== undefined && !(field === 'repetition_penalty' && value === 1));
}

/** Options of Ollama are one object more. */
function joined(one: Fields, other: Fields): Fields {
  const both = { ...one, ...other };
  const [mine, yours] = [one['options'], other['options']];
  return typeof mine === 'object' && typeof yours === 'object' ? { ...both, options: { ...mine, ...yours } } : both;
}
