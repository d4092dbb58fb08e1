import { systemClock } from '../../src/lib/clock.ts';
import { createHttpClient, type HttpClient } from '../../src/lib/http.ts';
import { Secret } from '../../src/lib/secret.ts';
import { ofetchTransport } from '../../src/lib/transport.ts';

/** The context of an adapter over the real network layer, for the provider `box`. */
export function networkContext(url: string): { readonly provider: string; readonly http: HttpClient } {
  const http = createHttpClient({
    provider: 'box',
    url,
    headers: {},
    keyHeader: 'authorization',
    apiKey: new Secret('key-of-the-box'),
    transport: ofetchTransport(),
    clock: systemClock,
    connectMs: 3_000,
  });
  return { provider: 'box', http };
}
