import type { ErrorCode } from '../core/error-codes.ts';
import type { Phase } from '../core/errors.ts';

/** What a fault of the network, a tunnel or a proxy means. `text` is ours: theirs hold addresses, headers and keys. */
export interface Fault {
  readonly code: ErrorCode;
  readonly text: string;
  readonly phase?: Phase;
  /** What is told as the reason where nobody names one. */
  readonly reason?: string;
}

const neverStood = (text: string): Fault => ({ code: 'unavailable', text, phase: 'connect' });
const broke = (text: string): Fault => ({ code: 'unavailable', text });
const timedOut = (text: string, phase?: Phase): Fault => ({ code: 'timeout', text, ...(phase && { phase }) });
const notHttp: Fault = { code: 'bad_response', text: 'The answer is not valid HTTP or was damaged on its way.' };
/** Nothing was sent, and no other provider would have been reached: what runs out here says nothing about anyone. */
const ours = (text: string): Fault => ({ code: 'saturated', text });
const tooLarge: Fault = { code: 'limit_exceeded', text: 'The headers or the body of the answer are too large.' };
const badUrl: Fault = { code: 'invalid_config', text: 'The address cannot be used: check scheme, host and port of the url.' };
const badHeader: Fault = { code: 'invalid_config', text: 'A header holds characters that HTTP does not allow: check apiKey and headers.' };

export const redirected: Fault = {
  code: 'bad_response',
  text: 'The server redirects elsewhere, which is not followed: check the url.',
  reason: 'redirect',
};

/** `code` of the errors that Node, undici and Bun throw. */
export const faultCodes: ReadonlyMap<string, Fault> = new Map([
  ['ECONNREFUSED', neverStood('The connection was refused.')],
  ['ConnectionRefused', neverStood('The connection was refused.')],
  ['FailedToOpenSocket', neverStood('The connection could not be opened.')],
  ['ENOTFOUND', neverStood('The host name was not found.')],
  ['EHOSTUNREACH', neverStood('The host cannot be reached.')],
  ['EHOSTDOWN', neverStood('The host cannot be reached.')],
  ['ENETUNREACH', neverStood('The network cannot be reached.')],
  ['ENETDOWN', neverStood('The network cannot be reached.')],
  ['EADDRNOTAVAIL', ours('No local port is free.')],
  ['EMFILE', ours('This process has too many open files.')],
  ['ENFILE', ours('This machine has too many open files.')],
  ['EPROTO', neverStood('The TLS handshake failed.')],
  ['UND_ERR_CONNECT_TIMEOUT', timedOut('The connection took too long.', 'connect')],
  ['ETIMEDOUT', timedOut('The connection took too long.', 'connect')],
  ['UND_ERR_HEADERS_TIMEOUT', timedOut('The answer did not begin in time.', 'first-token')],
  ['UND_ERR_BODY_TIMEOUT', timedOut('The answer stopped coming.', 'idle')],
  ['ECONNRESET', broke('The connection was reset.')],
  ['ConnectionClosed', broke('The connection was closed.')],
  ['ECONNABORTED', broke('The connection was closed.')],
  ['EPIPE', broke('The connection was closed.')],
  ['UND_ERR_SOCKET', broke('The connection was closed.')],
  ['UND_ERR_CLOSED', broke('The connection was closed.')],
  ['UND_ERR_DESTROYED', broke('The connection was closed.')],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', notHttp],
  ['Z_DATA_ERROR', notHttp],
  ['Z_BUF_ERROR', notHttp],
  ['UND_ERR_HEADERS_OVERFLOW', tooLarge],
  ['HPE_HEADER_OVERFLOW', tooLarge],
  ['UND_ERR_RES_EXCEEDED_MAX_SIZE', tooLarge],
  ['ERR_INVALID_URL', badUrl],
  ['ERR_INVALID_PROTOCOL', badUrl],
  ['ERR_SOCKET_BAD_PORT', badUrl],
  ['ERR_INVALID_CHAR', badHeader],
  ['ERR_HTTP_INVALID_HEADER_VALUE', badHeader],
  ['ERR_INVALID_HTTP_TOKEN', badHeader],
]);

/** Whole families of codes. */
export const faultFamilies: readonly (readonly [RegExp, Fault])[] = [
  [/^EAI_/, neverStood('The host name could not be looked up.')],
  [/^(?:CERT_|ERR_TLS_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|INVALID_CA)/, neverStood('The TLS certificate was not accepted.')],
  [/^ERR_SSL_/, neverStood('The TLS handshake failed.')],
  // What zlib says of Brotli that is none.
  [/^(?:HPE_|ERR__ERROR_FORMAT)/, notHttp],
];

/** Faults that carry no code; their texts are read, never repeated. The last two are what Deno and Workers say. */
export const faultTexts: readonly (readonly [RegExp, Fault])[] = [
  // Node's parser of HTTP gives its errors no code any more; what stands above it says "terminated".
  [/^response does not match the http|too many content-encodings/i, notHttp],
  [/^bad port$|^unknown scheme$|url scheme|invalid url|failed to parse url/i, badUrl],
  [
    /url that includes credentials/i,
    { code: 'invalid_config', text: 'The url holds credentials, which are not sent: give the key or a header.' },
  ],
  [/invalid header (?:value|name)|\bbytestring\b|invalid character in header/i, badHeader],
  [/^terminated$|other side closed|socket hang up/i, broke('The connection was closed.')],
  // Undici's words, and msw's, in the mode in which no redirect is followed.
  [/^unexpected redirect$/, redirected],
  [/connection refused|dns error/i, neverStood('The connection could not be opened.')],
  [/connection lost|connection reset/i, broke('The connection was reset.')],
];

const tunnelDown: Fault = { code: 'unavailable', text: 'The tunnel is offline.' };
const originDown: Fault = { code: 'unavailable', text: 'The tunnel or proxy cannot reach the server behind it.' };
const tunnelQuota: Fault = { code: 'quota_exhausted', text: 'The plan of the tunnel is used up.' };
const tunnelLimit: Fault = { code: 'rate_limited', text: 'The tunnel or proxy limits the rate of requests.' };
export const botProtection: Fault = { code: 'auth', text: 'A bot protection in front of the server refuses programs.' };

/** ngrok's error numbers. */
export const ngrokFaults: ReadonlyMap<string, Fault> = new Map([
  ['3200', tunnelDown],
  ['8012', originDown],
  ['3004', originDown],
  ['724', originDown],
  ['6024', { code: 'bad_response', text: 'The tunnel shows its warning page for browsers.' }],
  ['725', tunnelQuota],
  ['727', tunnelLimit],
  ['734', tunnelLimit],
]);

/** Cloudflare's error numbers, from a body `error code: 1033`, or the status itself. */
export const cloudflareFaults: ReadonlyMap<string, Fault> = new Map([
  ['1033', tunnelDown],
  ['1016', originDown],
  ['530', tunnelDown],
  ['502', originDown],
  ...['520', '521', '523', '525', '526', '527'].map((number): [string, Fault] => [number, originDown]),
  ['522', timedOut('The proxy could not connect to the server behind it in time.', 'connect')],
  ['524', timedOut('The server behind the proxy did not begin to answer in time; streaming avoids this.', 'first-token')],
  ['1015', tunnelLimit],
  ['1027', tunnelLimit],
  ['1010', botProtection],
  ['1020', botProtection],
]);
