import { errorBody, type Exchange, type Headers } from '../exchange.ts';
import { type Kind, kindsOf } from '../kind.ts';
import { streamParts } from '../wire-texts.ts';

const status = kindsOf('status');

/** Refuses with a body in the words of the protocol. */
const refuses =
  (code: number, message: string, type?: string, headers?: Headers) =>
  (exchange: Exchange): void =>
    exchange.answer(code, errorBody(exchange, message, type), headers);

/** As `refuses`, and repeats prompt and credentials as some servers do. */
const echoes =
  (code: number, message: string, type?: string) =>
  (exchange: Exchange): void =>
    exchange.answer(code, errorBody(exchange, `${message}: ${exchange.echo}`, type));

const busy = (headers: Headers) => refuses(429, 'Rate limit reached, slow down your requests.', 'rate_limit_error', headers);

/** The good answer, as whole as can be, under a status that says something else. */
const answersUnder =
  (code: number) =>
  ({ answer, texts, verb }: Exchange): void =>
    verb === 'chat' ? answer(code, texts.whole) : answer(code, streamParts(texts).join(''), { 'content-type': texts.contentType });

const page = '<!doctype html><html><head><title>Log in</title></head><body>Please log in.</body></html>';
const html: Headers = { 'content-type': 'text/html; charset=utf-8' };

const day = 86_400_000;

/** A status that says no, or that nobody knows. */
const refusals: readonly Kind[] = [
  status('status-500', ['unavailable'], echoes(500, 'The worker failed')),
  status('status-502', ['unavailable'], refuses(502, 'Upstream failed.')),
  status('status-504', ['unavailable', 'timeout'], refuses(504, 'Upstream is slow.')),
  status('status-503', ['overloaded'], refuses(503, 'Service busy.')),
  status('status-503-with-date', ['overloaded'], (exchange) =>
    exchange.answer(503, errorBody(exchange, 'Service busy.'), { 'retry-after': new Date(Date.now() + 3_000).toUTCString() }),
  ),
  status('status-503-loading', ['model_loading'], refuses(503, 'Loading model', 'unavailable_error')),
  status('status-529', ['overloaded'], refuses(529, 'Overloaded', 'overloaded_error')),
  status('status-401', ['auth'], echoes(401, 'Incorrect API key provided', 'invalid_request_error')),
  status('status-403', ['auth'], refuses(403, 'You may not use this.')),
  status('status-402', ['quota_exhausted'], refuses(402, 'Payment required.')),
  status('status-404-model', ['model_not_found'], refuses(404, 'The model `campaign` does not exist', 'NotFoundError')),
  status('status-404-route', ['unsupported', 'bad_response'], ({ answer }) =>
    answer(404, '404 page not found', { 'content-type': 'text/plain' }),
  ),
  status('status-400', ['bad_request'], echoes(400, 'Value error in messages', 'BadRequestError')),
  status('status-400-context', ['context_length'], refuses(400, "This model's maximum context length is 4 tokens.")),
  status('status-408', ['timeout'], refuses(408, 'Request time is over.')),
  status('status-409', ['unavailable'], refuses(409, 'Locked.')),
  status('status-413', ['bad_request'], refuses(413, 'Payload too large.')),
  status('status-415', ['unsupported'], refuses(415, 'Media type.')),
  status('status-422', ['bad_request'], refuses(422, 'Field required.')),
  status('status-424-out-of-memory', ['out_of_memory'], refuses(424, 'CUDA out of memory. Tried to allocate 2.00 GiB.', 'generation')),
  status('status-500-out-of-memory', ['out_of_memory'], echoes(500, 'cudaMalloc failed: out of memory')),
  status('status-500-driver', ['driver'], refuses(500, 'CUDA error: an illegal memory access was encountered')),
  status('status-501', ['unsupported'], refuses(501, 'Not here.')),
  status('status-299-and-a-good-answer', ['bad_response'], answersUnder(299)),
  status('status-600', ['bad_response', 'unavailable'], refuses(600, 'Beyond.')),
  status('status-099', ['bad_response', 'unavailable', 'timeout'], refuses(99, 'Below.'), { hangs: true, replays: 4 }),
  status('page-with-status-200', ['bad_response'], ({ answer }) => answer(200, page, html)),
  status('page-with-status-502', ['unavailable'], ({ answer }) => answer(502, page, html)),
  status('nothing-with-status-204', ['bad_response'], ({ head }) => head(204)),
  status('status-206-and-a-good-answer', ['bad_response'], answersUnder(206)),
];

/** Every form of a wish to be left alone. */
const waits: readonly Kind[] = [
  status('busy', ['rate_limited'], busy({})),
  status('busy-2-seconds', ['rate_limited'], busy({ 'retry-after': '2' })),
  status('busy-until-a-date', ['rate_limited'], (exchange) =>
    busy({ 'retry-after': new Date(Date.now() + 2_000).toUTCString() })(exchange),
  ),
  status('busy-until-yesterday', ['rate_limited'], (exchange) =>
    busy({ 'retry-after': new Date(Date.now() - day).toUTCString() })(exchange),
  ),
  status('busy-99999999-seconds', ['rate_limited'], busy({ 'retry-after': '99999999' })),
  status('busy-1e300-seconds', ['rate_limited'], busy({ 'retry-after': '1e300' })),
  status('busy-infinity', ['rate_limited'], busy({ 'retry-after': 'Infinity' })),
  status('busy-2147483648-seconds', ['rate_limited'], busy({ 'retry-after': '2147483648' })),
  status('busy-0-seconds', ['rate_limited'], busy({ 'retry-after': '0' })),
  status('busy-negative', ['rate_limited'], busy({ 'retry-after': '-5' })),
  status('busy-soon', ['rate_limited'], busy({ 'retry-after': 'soon' })),
  status('busy-said-twice', ['rate_limited'], busy({ 'retry-after': ['2', '5'] })),
  status('busy-in-milliseconds', ['rate_limited'], busy({ 'retry-after-ms': '300', 'x-should-retry': 'false' })),
  status('busy-until-reset', ['rate_limited'], busy({ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' })),
  status('busy-for-lack-of-credit', ['quota_exhausted'], refuses(429, 'You exceeded your current quota.', 'insufficient_quota')),
];

/** All lead to a server that counts who comes, or back to the same one under another path. */
const redirects: readonly Kind[] = (
  [
    ['redirect-301', 301, (elsewhere) => `${elsewhere}/v1/chat/completions`],
    ['redirect-302', 302, (elsewhere) => elsewhere.replace('127.0.0.1', 'localhost')],
    ['redirect-303', 303, (elsewhere) => elsewhere.replace('http:', '')],
    ['redirect-307', 307, (elsewhere) => `${elsewhere}/v1/chat/completions`],
    ['redirect-308', 308, (elsewhere) => `${elsewhere}/api/chat`],
    ['redirect-to-itself', 307, () => '/elsewhere'],
    ['redirect-with-a-name', 307, (elsewhere) => elsewhere.replace('//', '//user:word@')],
    ['redirect-to-a-file', 302, () => 'file:///etc/hostname'],
    ['redirect-to-nowhere', 307, () => ''],
  ] as const satisfies readonly (readonly [string, number, (elsewhere: string) => string])[]
).map(([name, code, location]) =>
  status(name, ['bad_response'], (exchange) => exchange.answer(code, '', { location: location(exchange.elsewhere) })),
);

export const statuses: readonly Kind[] = [...refusals, ...waits, ...redirects];
