import type * as Inferlane from '../../src/index.ts';
import type { Candidate, Setting } from './candidate.ts';

/**
 * `createRouter` comes from the built package in the wall, from the sources in the test. `share`: the part of the patience after
 * which a stream without content is given up; left out, the router's own limit holds.
 */
export function ours(createRouter: typeof Inferlane.createRouter, packages: readonly string[], share?: number): Candidate {
  return {
    name: 'inferlane',
    packages,
    given:
      '`createRouter({ providers: { first, second }, deadlineMs: 12_000, health: false })`, both `openai-compatible`; all else by default',
    open({ first, second, model, patienceMs }) {
      const router = routerFor(createRouter, { first, second, patienceMs }, share);
      const requestOf = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });
      return {
        chat: async (prompt, signal) => (await router.chat(requestOf(prompt), { signal })).choices[0].message.content ?? '',
        async *stream(prompt, signal) {
          for await (const chunk of await router.stream(requestOf(prompt), { signal })) {
            const content = chunk.choices[0]?.delta.content;
            if (content) yield content;
          }
        },
        close: () => router.close(),
      };
    },
  };
}

/** As a newcomer would configure it. */
export function routerFor(
  createRouter: typeof Inferlane.createRouter,
  { first, second, patienceMs }: Omit<Setting, 'model'>,
  share: number | undefined,
): Inferlane.Router {
  return createRouter({
    providers: {
      first: { type: 'openai-compatible', url: first.url, apiKey: first.apiKey },
      second: { type: 'openai-compatible', url: second.url, apiKey: second.apiKey },
    },
    deadlineMs: patienceMs,
    // Every request is counted.
    health: false,
    ...(share !== undefined && { timeouts: { firstTokenMs: patienceMs * share } }),
  });
}
