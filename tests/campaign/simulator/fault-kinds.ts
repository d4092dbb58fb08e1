import type { ErrorCode, Verb } from '../../../src/index.ts';

/** How a fake backend treats one call. `wire` only where bytes are the point, `custom` only where an adapter is. */
export type Does =
  | { readonly type: 'answers'; readonly pace?: 'slow' | 'slices'; readonly oddity?: 'no-done' | 'pings' | 'after-done' }
  /** No response comes; `system`: the platform's word for why. `bytesRead`: what the dead socket had read before. */
  | { readonly type: 'throws'; readonly system: string; readonly phase?: 'connect'; readonly bytesRead?: number }
  | { readonly type: 'hangs'; readonly deaf?: true }
  | { readonly type: 'status'; readonly status: number; readonly says?: Saying; readonly headers?: Readonly<Record<string, string>> }
  /** The answer breaks: before its content, in it, or at any byte of the whole. */
  | { readonly type: 'breaks'; readonly where: 'preamble' | 'content' | 'anywhere'; readonly how: Break }
  | { readonly type: 'wrong'; readonly says: 'shape' | 'count' }
  | { readonly type: 'foreign' };

export type Break = 'end' | 'reset' | 'hang' | 'error' | 'oom' | 'bad-json' | 'endless';
export type Saying = 'plain' | 'oom' | 'loading' | 'model' | 'quota' | 'context' | 'filter' | 'html' | 'empty' | 'error' | 'echo';

export interface FaultKind {
  readonly verbs: readonly Verb[];
  readonly on: 'both' | 'wire' | 'custom';
  readonly does: Does;
  /** What the attempt's error may be called; the first one is what a custom adapter throws. None: the attempt succeeds. */
  readonly codes: readonly ErrorCode[];
  /** How often it is drawn beside others. Kinds that put a provider out for long are rarer. */
  readonly weight: number;
}

const every: readonly Verb[] = ['chat', 'stream', 'embed'];
const whole: readonly Verb[] = ['chat', 'embed'];
const kind = (does: Does, codes: readonly ErrorCode[], more: Partial<FaultKind> = {}): FaultKind => ({
  verbs: every,
  on: 'both',
  weight: 1,
  ...more,
  does,
  codes,
});
const throws = (system: string, code: ErrorCode, phase?: 'connect', on: FaultKind['on'] = 'both'): FaultKind =>
  kind({ type: 'throws', system, ...(phase && { phase }) }, [code], { on });
const status = (
  number: number,
  code: ErrorCode,
  says: Saying = 'plain',
  weight = 1,
  headers?: Readonly<Record<string, string>>,
): FaultKind => kind({ type: 'status', status: number, says, ...(headers && { headers }) }, [code], { weight });
const limited = (retryAfter: string): FaultKind => status(429, 'rate_limited', 'plain', 0.6, { 'retry-after': retryAfter });
const breaks = (where: 'preamble' | 'content', how: Break, ...codes: ErrorCode[]): FaultKind =>
  kind({ type: 'breaks', where, how }, codes, { verbs: ['stream'] });
const torn = (verbs: readonly Verb[], how: 'end' | 'reset' | 'hang', ...codes: ErrorCode[]): FaultKind =>
  kind({ type: 'breaks', where: 'anywhere', how }, codes, { verbs, on: 'wire' });
const wireOnly = (made: FaultKind): FaultKind => ({ ...made, on: 'wire' });

/** Every way in which a fake backend behaves, good ones included. */
const faultKinds: Readonly<Record<string, FaultKind>> = {
  healthy: kind({ type: 'answers' }, [], { weight: 0 }),
  slow: kind({ type: 'answers', pace: 'slow' }, ['timeout']),
  slices: kind({ type: 'answers', pace: 'slices' }, [], { on: 'wire' }),
  'no-done': kind({ type: 'answers', oddity: 'no-done' }, [], { verbs: ['stream'], on: 'wire' }),
  pings: kind({ type: 'answers', oddity: 'pings' }, [], { verbs: ['stream'], on: 'wire' }),
  'after-done': kind({ type: 'answers', oddity: 'after-done' }, [], { verbs: ['stream'], on: 'wire' }),
  refused: throws('ECONNREFUSED', 'unavailable', 'connect'),
  'no-host': throws('ENOTFOUND', 'unavailable', 'connect'),
  unreachable: throws('EHOSTUNREACH', 'unavailable', 'connect', 'wire'),
  'tls-refused': throws('CERT_HAS_EXPIRED', 'unavailable', 'connect', 'wire'),
  'connect-timeout': throws('UND_ERR_CONNECT_TIMEOUT', 'timeout', 'connect', 'wire'),
  'reset-early': throws('ECONNRESET', 'unavailable'),
  'closed-early': kind({ type: 'throws', system: 'UND_ERR_SOCKET', bytesRead: 0 }, ['unavailable'], { on: 'wire' }),
  'stale-socket': kind({ type: 'throws', system: 'UND_ERR_SOCKET', bytesRead: 512 }, ['unavailable'], { on: 'wire' }),
  'not-http': throws('HPE_INVALID_CONSTANT', 'bad_response', undefined, 'wire'),
  'huge-headers': throws('UND_ERR_HEADERS_OVERFLOW', 'limit_exceeded', undefined, 'wire'),
  silent: kind({ type: 'hangs' }, ['timeout'], { weight: 2 }),
  deaf: kind({ type: 'hangs', deaf: true }, ['timeout'], { on: 'custom' }),
  foreign: kind({ type: 'foreign' }, [], { on: 'custom', weight: 0.5 }),
  'http-500': status(500, 'unavailable', 'echo', 2),
  'http-502': status(502, 'unavailable'),
  'http-503': status(503, 'overloaded'),
  'http-504': status(504, 'unavailable'),
  'http-529': status(529, 'overloaded'),
  'http-429': status(429, 'rate_limited'),
  'retry-after-2': limited('2'),
  'retry-after-date': limited('date'),
  'retry-after-huge': limited('99999999'),
  'retry-after-zero': limited('0'),
  'retry-after-words': limited('soon'),
  'retry-after-2147483648': limited('2147483648'),
  quota: status(429, 'quota_exhausted', 'quota', 0.3),
  'http-402': wireOnly(status(402, 'quota_exhausted', 'plain', 0.3)),
  'http-401': status(401, 'auth', 'echo', 0.4),
  'http-403': wireOnly(status(403, 'auth', 'plain', 0.3)),
  'model-404': status(404, 'model_not_found', 'model', 0.5),
  'route-404': wireOnly(kind({ type: 'status', status: 404, says: 'empty' }, ['bad_response', 'unsupported', 'unavailable'])),
  'http-400': status(400, 'bad_request', 'echo'),
  'http-413': status(413, 'bad_request'),
  'http-422': wireOnly(status(422, 'bad_request')),
  'context-400': status(400, 'context_length', 'context'),
  'filter-400': status(400, 'content_filtered', 'filter'),
  'http-408': status(408, 'timeout'),
  'http-409': wireOnly(status(409, 'unavailable')),
  'http-424': wireOnly(status(424, 'unavailable')),
  'oom-424': wireOnly(status(424, 'out_of_memory', 'oom', 0.4)),
  'oom-500': status(500, 'out_of_memory', 'oom', 0.4),
  'loading-503': status(503, 'model_loading', 'loading'),
  'http-501': status(501, 'unsupported'),
  'redirect-here': wireOnly(status(307, 'bad_response', 'empty', 1, { location: '/elsewhere' })),
  'redirect-away': wireOnly(status(307, 'bad_response', 'empty', 1, { location: 'http://evil.test/v1/chat/completions' })),
  'http-204': wireOnly(status(204, 'bad_response', 'empty')),
  'http-600': wireOnly(status(600, 'bad_response', 'empty')),
  'ok-error': wireOnly(status(200, 'unavailable', 'error')),
  'ok-oom': wireOnly(status(200, 'out_of_memory', 'oom', 0.4)),
  'ok-html': wireOnly(status(200, 'bad_response', 'html')),
  'ok-empty': wireOnly(status(200, 'bad_response', 'empty')),
  'cut-json': torn(whole, 'end', 'bad_response'),
  'torn-json': torn(whole, 'reset', 'unavailable', 'bad_response'),
  'stalled-json': torn(whole, 'hang', 'timeout'),
  'wrong-shape': kind({ type: 'wrong', says: 'shape' }, ['bad_response'], { verbs: whole }),
  'wrong-count': kind({ type: 'wrong', says: 'count' }, ['bad_response'], { verbs: ['embed'] }),
  'preamble-end': breaks('preamble', 'end', 'bad_response'),
  'preamble-reset': breaks('preamble', 'reset', 'unavailable'),
  'preamble-hang': breaks('preamble', 'hang', 'timeout'),
  'preamble-endless': breaks('preamble', 'endless', 'timeout', 'bad_response'),
  'preamble-error': breaks('preamble', 'error', 'unavailable'),
  'preamble-oom': { ...breaks('preamble', 'oom', 'out_of_memory'), weight: 0.4 },
  'content-end': breaks('content', 'end', 'bad_response'),
  'content-reset': breaks('content', 'reset', 'unavailable'),
  'content-hang': breaks('content', 'hang', 'timeout'),
  'content-error': breaks('content', 'error', 'unavailable'),
  'content-oom': { ...breaks('content', 'oom', 'out_of_memory'), weight: 0.4 },
  'content-bad-json': wireOnly(breaks('content', 'bad-json', 'bad_response')),
  'cut-anywhere': torn(['stream'], 'end', 'bad_response'),
  'torn-anywhere': torn(['stream'], 'reset', 'unavailable', 'bad_response'),
  'stalled-anywhere': torn(['stream'], 'hang', 'timeout', 'bad_response'),
};

/** One of `faultNames`. */
export type FaultName = string;
export const faultNames: readonly FaultName[] = Object.keys(faultKinds);

export function faultKind(name: FaultName): FaultKind {
  const found = faultKinds[name];
  if (found === undefined) throw new Error(`there is no kind of fault ${name}`);
  return found;
}

/** The kinds that fit a verb and a way of being connected. */
export function fitting(on: 'wire' | 'custom', verb: Verb): readonly FaultName[] {
  return lists[on][verb];
}

const listFor = (on: 'wire' | 'custom', verb: Verb): readonly FaultName[] =>
  faultNames.filter((name) => {
    const { verbs, on: where, weight } = faultKind(name);
    return verbs.includes(verb) && (where === 'both' || where === on) && weight > 0;
  });
const lists = {
  wire: { chat: listFor('wire', 'chat'), stream: listFor('wire', 'stream'), embed: listFor('wire', 'embed') },
  custom: { chat: listFor('custom', 'chat'), stream: listFor('custom', 'stream'), embed: listFor('custom', 'embed') },
};
