import type { Parameter } from '../core/capabilities.ts';
import { providerTypes } from '../core/provider-types.ts';
import type { Engine } from './engine.ts';
import type { Provider } from './provider.ts';

/** Tells, once for each provider and parameter, that a call goes out without something that its request sets. */
export function noteIgnored(parameters: readonly Parameter[], { id, adapter, config, state }: Provider, { announce }: Engine): void {
  if (adapter.ignores.length === 0) return;
  for (const parameter of parameters) {
    if (!adapter.ignores.includes(parameter) || state.ignored.has(parameter)) continue;
    state.ignored.add(parameter);
    const who = config.type === 'custom' ? 'its adapter' : providerTypes[config.type].title;
    const message = `calls go there without ${parameter}: ${who} has no place for it (onIgnoredParameter: 'refuse' leaves such a provider out)`;
    announce('config:warning', { path: `providers.${id}`, message });
  }
}
