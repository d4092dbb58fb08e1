import { resolveConfig } from '../../src/config/resolve.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { RouterConfig } from '../../src/config/config.ts';
import { isRouterError, type ConfigError } from '../../src/core/errors.ts';

/** `path: message` of every issue; empty where nothing is refused. Throws on for any other error. */
export function issuesOf(act: () => unknown): string[] {
  try {
    act();
    return [];
  } catch (error) {
    if (!isRouterError(error, 'invalid_config')) throw error;
    return (error as ConfigError).issues.map(({ path, message }) => `${path}: ${message}`);
  }
}

/** One provider that is fine, so that what is tested stands alone. */
export const fine = { providers: { gpu: { type: 'ollama' } } } as const;

/** Issues of options that may be anything at all. */
export function issues(options: unknown): string[] {
  return issuesOf(() => resolveConfig(options as RouterOptions));
}

export function warnings(options: RouterOptions): string[] {
  return resolveConfig(options).warnings.map(({ path, message }) => `${path}: ${message}`);
}

export function resolved(options: Partial<RouterOptions> = {}): RouterConfig {
  return resolveConfig({ ...fine, ...options }).config;
}

/** A router with one provider of these options. */
export function provider(options: unknown): RouterOptions {
  return { providers: { p: options } } as RouterOptions;
}
