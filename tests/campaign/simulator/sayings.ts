import type { Saying } from './fault-kinds.ts';
import type { UpstreamCall, World } from './upstream.ts';
import { wireFormats } from './wires.ts';

/** What a server says with a status that is no answer: the words by which its kind is known. */
export function errorText(says: Saying, call: UpstreamCall, world: World): { readonly message: string; readonly type: string } {
  switch (says) {
    case 'oom':
      return { message: 'CUDA error: out of memory', type: 'server_error' };
    case 'loading':
      return { message: 'loading model', type: 'unavailable_error' };
    case 'model':
      return { message: 'model "m" not found, try pulling it first', type: 'not_found' };
    case 'quota':
      return { message: 'You exceeded your current quota, check your plan and billing details', type: 'insufficient_quota' };
    case 'context':
      return { message: "This model's maximum context length is 8192 tokens", type: 'context_length_exceeded' };
    case 'filter':
      return { message: 'The response was filtered due to our content management policy', type: 'content_filter' };
    case 'echo':
      return { message: `Something is wrong near "${echoOf(call, world)}"`, type: 'odd' };
    default:
      return { message: 'It went wrong', type: 'odd' };
  }
}

export function errorBody(says: Saying, status: number, call: UpstreamCall, world: World): string {
  if (says === 'html') return '<!doctype html><html><body>Welcome</body></html>';
  if (says === 'empty') return '';
  const { message, type } = errorText(says, call, world);
  const key = says === 'echo' ? ` and key ${call.backend.key}` : '';
  return wireFormats[call.backend.format].error(status, message + key, says === 'error' ? 'server_error' : type);
}

function echoOf({ request, verb }: UpstreamCall, { echo }: World): string {
  return verb === 'embed' ? `request:${request}; 0 ${echo.embed}` : `request:${request}; ${echo.chat}`;
}

/** `Retry-After` as a date is written when it is sent. */
export function headersOf(headers: Readonly<Record<string, string>> | undefined, { clock }: World): Readonly<Record<string, string>> {
  if (headers?.['retry-after'] !== 'date') return headers ?? {};
  return { 'retry-after': new Date(clock.forRouter.wallMs() + 3_000).toUTCString() };
}
