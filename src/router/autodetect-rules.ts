import type { ProviderType } from '../core/provider-types.ts';
import { isJsonObject, type JsonObject } from '../lib/json.ts';
import type { Answer, Ask } from './autodetect-probe.ts';

/** What speaks for a type, and what the server told on the way. */
export interface Found {
  readonly type: ProviderType;
  /** One sentence of ours; nothing of the server's is quoted. */
  readonly evidence: string;
  readonly version?: string;
  readonly models?: readonly string[];
}

type Rule = (ask: Ask) => Promise<Found | undefined>;

/** What the rules need, asked side by side at the start. Asked only at the end: `/health`, which makes some servers work. */
export const firstPaths: readonly string[] = [
  '/v1/models',
  '/info',
  '/model_info',
  '/v1/health/ready',
  '/v1/metadata',
  '/api/v1/models',
  '/api/v0/models',
  '/v1/internal/model/info',
  '/version',
  '/',
  '/api/version',
  '/api/tags',
];

/**
 * The first that knows the server wins, so whoever imitates others stands before them: SGLang serves Ollama's routes and says
 * "Ollama is running", NIM is vLLM behind another front, TEI's `/info` looks like TGI's, and nearly all list models as OpenAI does.
 */
const rules: readonly Rule[] = [
  llamacpp,
  sglang,
  tei,
  tgi,
  nvidia,
  lmstudio,
  textgen,
  vllm,
  ollama,
  anthropic,
  openaiCompatible,
  remoteGpu,
];

/** Undefined where none of the rules knows the server. A path that hangs holds up only the rules that need it. */
export async function recognise(ask: Ask): Promise<Found | undefined> {
  for (const rule of rules) {
    const found = await rule(ask);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Every answer carries the header, those of a server that is still loading too; a tunnel may put its own name there. */
async function llamacpp(ask: Ask): Promise<Found | undefined> {
  const list = await ask('/v1/models');
  const models = modelsIn(list);
  if (list?.header('server')?.toLowerCase() === 'llama.cpp') {
    return { type: 'llamacpp', evidence: 'Its answers carry the header "server: llama.cpp".', ...models };
  }
  return ownerIn(list) === 'llamacpp' ? { type: 'llamacpp', evidence: owned('llamacpp'), ...models } : undefined;
}

async function sglang(ask: Ask): Promise<Found | undefined> {
  const list = await ask('/v1/models');
  const models = modelsIn(list);
  if (ownerIn(list) === 'sglang') return { type: 'sglang', evidence: owned('sglang'), ...models };
  const { model_path: path } = fieldsOf(await ask('/model_info'));
  return typeof path === 'string' ? { type: 'sglang', evidence: 'GET /model_info names a model_path.', ...models } : undefined;
}

async function tei(ask: Ask): Promise<Found | undefined> {
  const { model_type: type, max_batch_tokens: tokens, model_id: id, version } = fieldsOf(await ask('/info'));
  if (type === undefined || typeof tokens !== 'number') return undefined;
  return { type: 'tei', evidence: 'GET /info tells model_type and max_batch_tokens.', ...versionOf(version), ...namesOf([id]) };
}

async function tgi(ask: Ask): Promise<Found | undefined> {
  const { router, docker_label: label, max_total_tokens: tokens, model_id: id, version } = fieldsOf(await ask('/info'));
  const about = { ...versionOf(version), ...namesOf([id]) };
  if (typeof id !== 'string') return undefined;
  if (typeof router === 'string' || label !== undefined)
    return { type: 'tgi', evidence: 'GET /info names its router or its image.', ...about };
  return typeof tokens === 'number' ? { type: 'tgi', evidence: 'GET /info tells model_id and max_total_tokens.', ...about } : undefined;
}

/** A server of models without these two routes is plain vLLM, or SGLang; one without models is some other service. */
async function nvidia(ask: Ask): Promise<Found | undefined> {
  const ready = fieldsOf(await ask('/v1/health/ready'));
  const metadata = fieldsOf(await ask('/v1/metadata'));
  const models = modelsIn(await ask('/v1/models'));
  if (['modelInfo', 'assetInfo', 'licenseInfo'].some((name) => name in metadata)) {
    const version = versionOf(metadata['version']);
    return { type: 'nvidia', evidence: 'GET /v1/metadata tells what NIM tells of its model.', ...version, ...models };
  }
  const said = [ready['object'], ready['message'], ready['status']].filter(isName);
  const isReady = models.models !== undefined && said.some((text) => /^health|\bready\b/i.test(text));
  return isReady ? { type: 'nvidia', evidence: 'GET /v1/health/ready says that it is ready.', ...models } : undefined;
}

async function lmstudio(ask: Ask): Promise<Found | undefined> {
  const { models } = fieldsOf(await ask('/api/v1/models'));
  const keys = listOf(models).map(({ key }) => key);
  if (keys.some(isName)) return { type: 'lmstudio', evidence: 'GET /api/v1/models lists models by key.', ...namesOf(keys) };
  const { data } = fieldsOf(await ask('/api/v0/models'));
  const states = listOf(data).filter(({ state, publisher }) => isName(state) || isName(publisher));
  if (states.length === 0) return undefined;
  return { type: 'lmstudio', evidence: 'GET /api/v0/models lists models with their state.', ...namesOf(states.map(({ id }) => id)) };
}

async function textgen(ask: Ask): Promise<Found | undefined> {
  const told = fieldsOf(await ask('/v1/internal/model/info'));
  if (!('model_name' in told)) return undefined;
  return { type: 'textgen', evidence: 'GET /v1/internal/model/info tells a model_name.', ...modelsIn(await ask('/v1/models')) };
}

/** `/version` is open where the list of models needs a key. */
async function vllm(ask: Ask): Promise<Found | undefined> {
  const list = await ask('/v1/models');
  const isOwner = ownerIn(list) === 'vllm';
  if (!isOwner && list?.status !== 401) return undefined;
  const version = versionOf(fieldsOf(await ask('/version'))['version']);
  if (isOwner) return { type: 'vllm', evidence: owned('vllm'), ...version, ...modelsIn(list) };
  return version.version === undefined
    ? undefined
    : { type: 'vllm', evidence: 'GET /version tells a version, and GET /v1/models needs a key.', ...version };
}

/** Others have `/api/version` too, or imitate the list of models, so one sign alone is not enough. */
async function ollama(ask: Ask): Promise<Found | undefined> {
  if (ownerIn(await ask('/v1/models')) === 'koboldcpp') return undefined;
  const version = versionOf(fieldsOf(await ask('/api/version'))['version']);
  const tags = fieldsOf(await ask('/api/tags'))['models'];
  const names = Array.isArray(tags) ? namesOf(listOf(tags).map(({ name }) => name)) : {};
  // SGLang says the same as a JSON string, in quotes.
  if ((await ask('/'))?.text.trim() === 'Ollama is running') {
    return { type: 'ollama', evidence: 'GET / says "Ollama is running".', ...version, ...names };
  }
  if (version.version === undefined || !Array.isArray(tags)) return undefined;
  return { type: 'ollama', evidence: 'GET /api/version tells a version and GET /api/tags lists models.', ...version, ...names };
}

/** Anthropic's own host is known by its name; this is a proxy in front of it, or a server that imitates it. */
async function anthropic(ask: Ask): Promise<Found | undefined> {
  const list = await ask('/v1/models');
  const [first] = listOf(fieldsOf(list)['data']);
  if (first?.['type'] !== 'model') return undefined;
  return { type: 'anthropic', evidence: "GET /v1/models lists models as Anthropic's does.", ...modelsIn(list) };
}

async function openaiCompatible(ask: Ask): Promise<Found | undefined> {
  const list = await ask('/v1/models');
  const models = modelsIn(list);
  return models.models && { type: 'openai-compatible', evidence: "GET /v1/models lists models as OpenAI's does.", ...models };
}

async function remoteGpu(ask: Ask): Promise<Found | undefined> {
  const [health, list] = await Promise.all([ask('/health'), ask('/models')]);
  const behind = listOf(list?.value).filter((model) => 'hf_name' in model || 'endpoint' in model);
  if (behind.length > 0) {
    return { type: 'remote-gpu', evidence: 'GET /models lists models with their endpoints.', ...namesOf(behind.map(({ id }) => id)) };
  }
  const { status, model } = fieldsOf(health);
  if (status !== 'healthy') return undefined;
  return { type: 'remote-gpu', evidence: 'GET /health says that it is healthy.', ...(isName(model) && namesOf([model])) };
}

function fieldsOf(answer: Answer | undefined): JsonObject {
  return isJsonObject(answer?.value) ? answer.value : {};
}

function listOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function namesOf(values: readonly unknown[]): { readonly models?: readonly string[] } {
  return { models: values.filter(isName) };
}

function versionOf(value: unknown): { readonly version?: string } {
  return isName(value) ? { version: value } : {};
}

/** The models of `{ data: [{ id }] }` or `[{ id }]`; nothing where the answer is no such list. An empty list in `data` is one. */
function modelsIn(answer: Answer | undefined): { readonly models?: readonly string[] } {
  const value = answer?.value;
  const list = isJsonObject(value) ? value['data'] : value;
  if (!Array.isArray(list) || (list === value && list.length === 0)) return {};
  const models = listOf(list);
  return models.length === list.length && models.every(({ id }) => isName(id)) ? namesOf(models.map(({ id }) => id)) : {};
}

function ownerIn(answer: Answer | undefined): unknown {
  return listOf(fieldsOf(answer)['data'])[0]?.['owned_by'];
}

function owned(owner: string): string {
  return `GET /v1/models says that its models are owned by "${owner}".`;
}
