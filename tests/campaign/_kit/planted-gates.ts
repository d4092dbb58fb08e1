import type { ProviderOptions, Router, Transport } from '../../../src/index.ts';
import type { Canaries } from './canaries.ts';
import { kindsIn, plantedChat, plantedProvider } from './planted-chat.ts';

/**
 * For rigs whose backends are adapters, which get neither keys nor headers: two providers over a network that is a function, which nobody
 * is sent to unless by name. They refuse what they get, and repeat it, as servers do.
 */
export interface Gates {
  readonly providers: Readonly<Record<string, ProviderOptions>>;
  readonly transport: Transport;
  /** Asks each of them once. */
  knock(router: Router): Promise<void>;
}

const names = { key: 'gate-key', url: 'gate-url' } as const;

/** `planted`: gets the kinds that arrive there. */
export function plantedGates(canaries: Canaries, planted: Set<string>): Gates {
  // Paid, so that no call moves there by itself.
  const gate = (secretIn: 'key' | 'url'): ProviderOptions => ({
    ...plantedProvider(canaries, 'http://gate.example', secretIn),
    cost: 'paid',
  });
  return {
    providers: { [names.key]: gate('key'), [names.url]: gate('url') },
    transport: {
      async send({ headers, body }) {
        const sent = `${Object.entries(headers)
          .map(([name, value]) => `${name}: ${value}`)
          .join('\n')}\n\n${body ?? ''}`;
        for (const kind of kindsIn(sent)) planted.add(kind);
        const text = JSON.stringify({ error: { message: `It does not take ${sent}` } });
        return { status: 400, header: () => null, body: new Blob([text]).stream(), text: async () => text };
      },
    },
    async knock(router) {
      for (const provider of Object.values(names)) {
        await router.chat(plantedChat(canaries), { provider, maxAttempts: 1 }).then(
          ({ route }) => canaries.look('route', route),
          (error: unknown) => canaries.look('error', error),
        );
      }
    },
  };
}
