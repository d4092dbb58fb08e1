import type { Verb } from '../core/events.ts';
import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import { sha256Hex } from '../lib/digest.ts';

/** What makes two calls ask for the same. */
export interface AskedFor {
  readonly verb: Verb;
  readonly request: ChatRequest | EmbedRequest;
  readonly intent: string;
  /** The provider that the call names. */
  readonly only: string | undefined;
  /** Whose answers it may have: those of a caller, of the application itself (`caller: undefined`), or of everybody. */
  readonly scope: 'everybody' | { readonly caller: string | undefined };
}

/** Another number for another meaning of the text or of an entry: what was kept before is then not found any more. */
const version = 1;

/** How the answer travels, and on whose behalf, for the provider's own statistics: neither changes the answer. */
const ofNoMatter: ReadonlySet<string> = new Set(['stream', 'stream_options', 'user']);

/** Servers write an answer in the order of its schema, and show tools to the model as they are written. */
const inOrder: ReadonlySet<string> = new Set(['parameters', 'schema', 'extra']);

/**
 * Equal for requests that are the same on the wire, whatever the order of their fields, and different for all others. It holds the whole
 * prompt, so it stays in this process.
 * @throws where the request cannot be written as JSON.
 */
export function requestText({ verb, request, intent, only, scope }: AskedFor): string {
  const family = verb === 'embed' ? 'embed' : 'chat';
  const whose = scope === 'everybody' ? [] : [scope.caller ?? null];
  return `[${version},"${family}",${JSON.stringify([whose, intent, only ?? null])},${textOfRequest(request)}]`;
}

function textOfRequest(request: ChatRequest | EmbedRequest): string {
  const fields = Object.entries(request).filter(([name]) => !ofNoMatter.has(name));
  return sorted(JSON.parse(JSON.stringify(Object.fromEntries(fields))));
}

/** JSON with its fields in order. */
function sorted(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`;
  const fields = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  const texts = fields.map(([name, entry]) => `${JSON.stringify(name)}:${inOrder.has(name) ? JSON.stringify(entry) : sorted(entry)}`);
  return `{${texts.join(',')}}`;
}

/** A provider asked twice gives the same: vectors, and a chat that leaves nothing to chance. A `seed` alone is a wish that many servers overlook. */
export function isRepeatable(verb: Verb, request: ChatRequest | EmbedRequest): boolean {
  if (verb === 'embed') return true;
  const { temperature, n } = request as ChatRequest;
  return temperature === 0 && (n ?? 1) === 1;
}

/** The name under which the answer is kept: a whole SHA-256 of the text, from which nobody gets back to it. */
export async function keyOf(text: string): Promise<string> {
  return `inferlane:answer:${version}:${await sha256Hex(text)}`;
}
