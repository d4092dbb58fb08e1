import { APICallError } from '@ai-sdk/provider';
import { errorCodes, httpStatusOf, isRouterError, type RouterError } from '../index.ts';

/**
 * The AI SDK's error for one of ours, which stands in `cause`. It is never retryable: the router has tried everybody already, and the
 * SDK's own retries would begin all of that again. Other than those of most providers it holds no prompt. What is no error of ours, such
 * as the caller's own abort reason, stays as it is.
 */
export function toSdkError(error: unknown): unknown {
  if (!isRouterError(error)) return error;
  const { message, code, retryAfterMs } = error;
  return new APICallError({
    message,
    url: 'inferlane:',
    requestBodyValues: {},
    statusCode: statusOf(error),
    ...(retryAfterMs !== undefined && { responseHeaders: { 'retry-after-ms': String(Math.ceil(retryAfterMs)) } }),
    responseBody: JSON.stringify({ error: { message, type: code, code } }),
    cause: error,
    isRetryable: false,
    data: error.toJSON(),
  });
}

/** Where nobody could be asked, and all for one reason, that is the status: a model that nobody serves is not found, now and later. */
function statusOf(error: RouterError): number {
  const [first] = error.skipped;
  const isShared = error.code === 'no_provider' && first !== undefined && error.skipped.every(({ code }) => code === first.code);
  return isShared && Object.hasOwn(errorCodes, first.code) ? errorCodes[first.code].status : httpStatusOf(error);
}
