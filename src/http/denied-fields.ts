import { entriesOf, isObject } from './body-schema.ts';
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
 * Fields of `extra`, which a server of that type is sent as they are. With these it would be asked something else than was routed and
 * counted (another model, more answers), told to fetch from an address in the body or to run what the body brings, or paid more.
 */
export const deniedExtras: readonly string[] = Object.freeze([
  'adapter_id',
  'bootstrap_host',
  'bootstrap_port',
  'bootstrap_room',
  'chat_template',
  'chat_template_str',
  'custom_logit_processor',
  'draft_model',
  'inference_geo',
  'input',
  'inputs',
  'instruction_template_str',
  'kv_transfer_params',
  'lora',
  'lora_path',
  'max_completion_tokens',
  'max_tokens',
  'mcp_servers',
  'messages',
  'model',
  'model_id',
  'models',
  'n',
  'plugins',
  'prompt',
  'provider',
  'route',
  'service_tier',
  'stream',
  'tools',
]);

const notAsExtras = new Set(deniedExtras.map(plain));

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
 * Refuses a body that holds one of the denied fields at any depth, but in the caller's own data, or in `extra` what is not for it.
 * @throws {HttpRefusal} 400 with the path of the field.
 */
export function refuseDeniedFields(body: unknown): void {
  const path = findDenied(body)?.join('').replace(/^\./, '');
  if (path !== undefined) throw notTaken(path, 'where calls go, and with which key, is up to the server');
  const extra = findDeniedExtra(body);
  if (extra !== undefined) throw notTaken(extra, 'extra says how a model answers, and neither which one does nor what it is asked');
}

function notTaken(path: string, reason: string): Error {
  return badRequest(`${path} is not taken from a request: ${reason}.`, path, 'field_not_allowed');
}

/** Some servers do not mind the case of a name, nor letters that are small forms of others (`\u017f` is an s to them). */
function findDeniedExtra(body: unknown): string | undefined {
  for (const [type, fields] of entriesOf(isObject(body) ? body['extra'] : undefined)) {
    for (const [name] of entriesOf(fields)) {
      if (notAsExtras.has(plain(name)) || !/^[\x20-\x7e]*$/.test(name)) return `extra.${shown(type)}.${shown(name)}`;
    }
  }
  return undefined;
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
