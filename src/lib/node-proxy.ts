/** The environment that names the proxies, and undefined where none are wanted. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/** Node's own `fetch` and its agents go by the environment where this says so, and otherwise directly. */
const variable = 'NODE_USE_ENV_PROXY';
const flag = '--use-env-proxy';

/** As Node itself decides it for `fetch`. */
export function usualProxy(): ProxyEnvironment | undefined {
  const { env, execArgv } = process;
  const isAsked = env[variable] === '1' || execArgv.includes(flag) || (env['NODE_OPTIONS'] ?? '').split(/\s+/).includes(flag);
  return isAsked ? env : undefined;
}

/** Agents that go through a proxy came with Node 24.5, and with 22.21. */
export function hasProxyAgents(version: string = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21);
}
