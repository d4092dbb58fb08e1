import { type ErrorLiteral, says } from './row.ts';

const html = { 'content-type': 'text/html; charset=utf-8' };
const text = { 'content-type': 'text/plain' };
const ngrok = (number: number, more: Record<string, string> = html): Record<string, string> => ({
  'ngrok-error-code': `ERR_NGROK_${number}`,
  ...more,
});
const cloudflare = { ...text, server: 'cloudflare', 'cf-ray': '8f0-FRA' };
const offline = 'The endpoint abc.ngrok-free.app is offline.\r\n\r\nERR_NGROK_3200';

const ngrokPages: ErrorLiteral[] = [
  says('offline, HTML', 404, '<h1>ERR_NGROK_3200</h1>', 'unavailable', ngrok(3200)),
  says('offline, text', 404, offline, 'unavailable', ngrok(3200, text)),
  says('offline, header lost', 404, offline, 'unavailable', text),
  says('local server down', 502, 'dial tcp 127.0.0.1:8000: connect: connection refused', 'unavailable', ngrok(8012, text)),
  says('crashed mid-response', 502, '', 'unavailable', ngrok(3004)),
  says('warning page', 200, '<html>You are about to visit</html>', 'bad_response', ngrok(6024)),
  ...[404, 502].map((status) => says(`no backend, ${status}`, status, '', 'unavailable', ngrok(724))),
  // The table leaves the choice: bandwidth is used up for the month, requests and connections come back.
  says('plan: bandwidth', 402, '', 'quota_exhausted', ngrok(725)),
  says('plan: requests', 429, '', 'rate_limited', ngrok(727)),
  says('plan: connections', 403, '', 'rate_limited', ngrok(734)),
  says('unknown number', 502, '', 'unavailable', ngrok(9999)),
];

const cloudflarePages: ErrorLiteral[] = [
  says('tunnel down', 530, 'error code: 1033', 'unavailable', cloudflare),
  says('origin DNS', 530, 'error code: 1016', 'unavailable', cloudflare),
  says('origin refused', 502, 'error code: 502', 'unavailable', cloudflare),
  says('origin refused, HTML', 502, '<html>Bad gateway</html>', 'unavailable', { ...cloudflare, ...html }),
  ...[520, 521, 523, 525, 526].map((status) => says(`origin ${status}`, status, `error code: ${status}`, 'unavailable', cloudflare)),
  says('origin 522', 522, 'error code: 522', 'timeout', cloudflare),
  says('origin 522, HTML', 522, '<!DOCTYPE html>', 'timeout', { ...cloudflare, ...html }),
  says('origin silent', 524, 'error code: 524', 'timeout', cloudflare),
  says('zone rate limit', 429, 'error code: 1015', 'rate_limited', cloudflare),
  says('daily limit', 429, 'error code: 1027', 'rate_limited', cloudflare),
  says('challenge', 403, '<html>Just a moment...</html>', 'auth', { ...cloudflare, ...html, 'cf-mitigated': 'challenge' }),
];

const proxies: ErrorLiteral[] = [
  says('nginx, body limit', 413, '<html><head><title>413 Request Entity Too Large</title></head></html>', 'bad_request', html),
  says('nginx, 502', 502, '<html><head><title>502 Bad Gateway</title></head></html>', 'unavailable', html),
  says('nginx, 503', 503, '<html></html>', 'overloaded', html),
  // The status alone; proxies send it for dead servers too.
  says('nginx, 504', 504, '<html><head><title>504 Gateway Time-out</title></head></html>', 'unavailable', html),
  says('nginx, wrong port', 400, '<html>The plain HTTP request was sent to HTTPS port</html>', 'bad_response', html),
  says('login page', 200, '<!doctype html><title>Sign in</title>', 'bad_response', html),
  says('sleeping space, 503', 503, '<html>sleeping</html>', 'overloaded', html),
  says('sleeping space, 404', 404, '<html>building</html>', 'bad_response', html),
  says('page without a type', 404, '<!DOCTYPE html><html></html>', 'bad_response'),
  says('Go mux', 404, '404 page not found', 'bad_response', text),
  says('JSON with the wrong type', 500, { error: 'CUDA out of memory' }, 'out_of_memory', html),
];

export const tunnels: readonly ErrorLiteral[] = [...ngrokPages, ...cloudflarePages, ...proxies];
