import { type FailureRow, type Failures, modelOf, type Tell } from './failures.ts';
import type { Fields } from './fields.ts';

const errorTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

function shape(status: number, message: string): Fields {
  const type = errorTypes[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
  return { type: 'error', error: { type, message }, request_id: 'req_fake' };
}

const row = (status: number, message: string): FailureRow => ({ status, body: shape(status, message) });

/** A limit per time always comes with a wait; one without is the month's. */
const rateLimit: Tell = ({ retryAfter }) => ({
  ...row(429, "This request would exceed your organization's rate limit of 50 requests per minute."),
  headers: {
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-requests-reset': '2026-02-02T02:41:00Z',
    ...(retryAfter === undefined && { 'retry-after': '20' }),
  },
});

/** Its machines are its own, so no memory, driver or loading of theirs is ever spoken of. */
export const anthropicFailures: Failures = {
  shape,
  inStream: ({ body }) => `event: error\ndata: ${JSON.stringify(body)}\n\n`,
  deadly: [],
  inOpenedStream: [],
  rows: {
    'queue-full': row(529, 'Overloaded'),
    'rate-limit': rateLimit,
    quota: row(
      400,
      'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
    ),
    auth: row(401, 'invalid x-api-key'),
    'model-missing': (_, call) => row(404, `model: ${modelOf(call)}`),
    'context-length': row(400, 'prompt is too long: 234567 tokens > 200000 maximum'),
    'bad-request': row(400, 'max_tokens: Field required'),
    server: row(500, 'Internal server error'),
  },
};
