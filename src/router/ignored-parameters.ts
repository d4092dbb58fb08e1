import { providerTypes } from '../core/provider-types.ts';
import type { ChatRequest } from '../core/types.ts';
import type { Engine } from './engine.ts';
import type { Provider } from './provider.ts';
import type { ResolvedCall } from './resolve-call.ts';

/** Tells, once for each provider and parameter, that a call goes out without something that its request sets. */
export function noteIgnored(call: ResolvedCall<unknown>, model: string | undefined, provider: Provider, { announce }: Engine): void {
  if (call.parameters.length === 0) return;
  const { id, adapter, config, state } = provider;
  const leftOut = adapter.leavesOut(call.request as ChatRequest, model);
  for (const parameter of call.parameters) {
    if (!leftOut.includes(parameter) || state.ignored.has(parameter)) continue;
    state.ignored.add(parameter);
    const who = config.type === 'custom' ? 'its adapter' : providerTypes[config.type].title;
    const message = `calls go there without ${parameter}: ${who} has no place for it (onIgnoredParameter: 'refuse' leaves such a provider out)`;
    announce('config:warning', { path: `providers.${id}`, message });
  }
}
