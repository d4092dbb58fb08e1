import type { ErrorCode } from '../../src/core/error-codes.ts';
import type { FailureKind } from '../../src/testing/script.ts';

/** What each kind of failure must be taken for, whoever tells it. Written down beside the suite's own table, on purpose. */
export const failureCodes: Readonly<Record<string, ErrorCode>> = {
  'out-of-memory': 'out_of_memory',
  driver: 'driver',
  'queue-full': 'overloaded',
  loading: 'model_loading',
  'rate-limit': 'rate_limited',
  quota: 'quota_exhausted',
  auth: 'auth',
  'model-missing': 'model_not_found',
  'context-length': 'context_length',
  'bad-request': 'bad_request',
  server: 'unavailable',
};

export const failureKinds = Object.keys(failureCodes) as readonly FailureKind[];
