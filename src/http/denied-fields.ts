import { badRequest } from './failure.ts';

/**
 * Fields with which other gateways let a body choose where a call goes or with whose key. Nothing here reads them; who sends one believes
 * otherwise, and is told. Case, hyphens and underscores make no difference.
 */
export const deniedFields: readonly string[] = Object.freeze([
  'access_token',
  'api_base',
  'api_key',
  'api_version',
  'authorization',
  'aws_access_key_id',
  'aws_secret_access_key',
  'aws_session_token',
  'azure_ad_token',
  'azure_endpoint',
  'base_url',
  'custom_llm_provider',
  'default_headers',
  'endpoint',
  'extra_body',
  'extra_headers',
  'extra_query',
  'headers',
  'litellm_params',
  'model_list',
  'proxies',
  'proxy',
  'user_config',
  'vertex_credentials',
]);

const denied = new Set(deniedFields.map(plain));

/**
 * Where a body holds what is the caller's own data: a tool's schema may well have a property called `endpoint`, and its arguments and the
 * notes beside a call belong to nobody here.
 */
export const callersOwn: ReadonlySet<string> = new Set([
  'arguments',
  'format',
  'input',
  'input_schema',
  'logit_bias',
  'metadata',
  'parameters',
  'schema',
]);

/**
 * Refuses a body that holds one of the denied fields at any depth, but in the caller's own data.
 * @throws {HttpRefusal} 400 with the path of the field.
 */
export function refuseDeniedFields(body: unknown): void {
  const path = findDenied(body)?.join('').replace(/^\./, '');
  if (path === undefined) return;
  const message = `${path} is not taken from a request: where calls go, and with which key, is up to the server.`;
  throw badRequest(message, path, 'field_not_allowed');
}

/** The steps to the first one. */
function findDenied(value: unknown): readonly string[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) {
      const below = findDenied(each);
      if (below !== undefined) return [`[${index}]`, ...below];
    }
    return undefined;
  }
  for (const [name, each] of Object.entries(value)) {
    const below = denied.has(plain(name)) ? [] : callersOwn.has(name) ? undefined : findDenied(each);
    if (below !== undefined) return [`.${shown(name)}`, ...below];
  }
  return undefined;
}

function plain(name: string): string {
  return name.length > 64 ? '' : name.toLowerCase().replace(/[-_]/g, '');
}

/** A name that the caller made up may hold anything, and an answer is no place for it. */
function shown(name: string): string {
  return /^\w[\w-]{0,39}$/.test(name) ? name : '*';
}
