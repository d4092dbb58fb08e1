import type { ProviderOptions } from './provider-options.ts';
import type { IntentOptions } from './routing-options.ts';

/**
 * Where the names stand in `RouterOptions`, for a router whose types know them. Everything is optional, because options may be put together
 * of parts that are there or not (`...(key && { openai })`).
 */
export interface OptionNames<Provider extends string, Model extends string, Intent extends string> {
  readonly providers: { readonly [Id in Provider]?: ProviderOptions };
  // Ids here must be among those there, and make none themselves.
  readonly models?: { readonly [Alias in Model]?: { readonly [Id in NoInfer<Provider>]?: string } } | undefined;
  readonly intents?: { readonly [Name in Intent]?: IntentOptions } | undefined;
}
