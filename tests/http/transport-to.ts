import type { Handler } from '../../src/http/handler.ts';
import type { Transport } from '../../src/index.ts';

/** Carries the requests of another router to a handler, without a network. */
export function transportTo(handler: Handler): Transport {
  return {
    async send({ method, url, headers, body, signal }) {
      const response = await handler(new Request(url, { method, headers, signal, ...(body !== undefined && { body }) }));
      return {
        status: response.status,
        header: (name) => response.headers.get(name),
        body: response.body,
        text: () => response.text(),
      };
    },
  };
}
