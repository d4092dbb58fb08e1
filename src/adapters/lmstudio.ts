import type { Adapter, LoadReport, ModelInfo, ResidentModel } from '../core/adapter.ts';
import { isRouterError, RouterError } from '../core/errors.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject, isPositive, type JsonObject } from '../lib/json.ts';
import { billionsIn } from '../lib/parameter-count.ts';
import type { AdapterContext } from './context.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { listModels } from './openai-models.ts';
import { orWhereMissing } from './openai-probes.ts';
import { namedTool } from './openai-request.ts';

/**
 * LM Studio. It loads the model that a request names, which may take minutes, and unloads it when idle: after `keepAliveS`, sent
 * as `ttl` with every chat. Its list of parameters (docs, OpenAI compatibility) knows no newer name of `max_tokens`, and
 * `tool_choice` is a word: a named tool goes alone. `response_format` takes schemas; `text`, which early servers refuse, is what
 * no format means.
 */
export const lmstudio = (context: AdapterContext): Adapter =>
  openaiCompatible({
    name: 'lmstudio',
    modelName: 'optional',
    loadsOnDemand: true,
    capabilities: { tools: true, toolChoice: true, vision: true, jsonSchema: true, logitBias: true },
    ignores: ['parallel_tool_calls', 'user'],
    limitName: 'max_tokens',
    body: (body) => ({
      ...body,
      response_format: body.response_format?.type === 'text' ? undefined : body.response_format,
      ...namedTool(body),
      // The type of OpenAI's body does not have it.
      ...(context.keepAliveS !== undefined && { ttl: context.keepAliveS }),
    }),
    models: (http, signal) => models(http, context.provider, signal),
    load: (http, signal) => load(http, context.provider, signal),
  })(context);

/** All models on its disk. Servers before 0.4.0 have OpenAI's list alone. */
function models(http: HttpClient, provider: string, signal: AbortSignal): Promise<readonly ModelInfo[]> {
  const own = ownList(http, provider, signal).then((list) => list.map(toModelInfo));
  return orWhereMissing(own, () => listModels(http, signal));
}

type OwnModel = JsonObject & { readonly key: string };

async function ownList(http: HttpClient, provider: string, signal: AbortSignal): Promise<readonly OwnModel[]> {
  const answer = await http.getJson('/api/v1/models', signal).catch((error: unknown) => throwNoRoute(error, provider));
  const list = isJsonObject(answer) ? answer['models'] : undefined;
  if (!Array.isArray(list)) throw http.badResponse('the list of models is no list.');
  return list.filter(
    (model): model is OwnModel =>
      isJsonObject(model) && typeof model['key'] === 'string' && (model['type'] === 'llm' || model['type'] === 'embedding'),
  );
}

/** The server answers unknown paths with status 200 and an error (lmstudio-ai/lmstudio-bug-tracker#618); here it is a 404. */
function throwNoRoute(error: unknown, provider: string): never {
  throw isRouterError(error, 'unsupported')
    ? new RouterError('unsupported', `${provider}: this server has no list of its own.`, { provider, status: 404 })
    : error;
}

/** `max_context_length` is what the model could have; what it is served with is told of its loaded instances alone. */
function toModelInfo({ key, params_string: parameters, size_bytes: size, capabilities: said }: OwnModel): ModelInfo {
  const { vision, trained_for_tool_use: tools } = isJsonObject(said) ? said : {};
  // A model that was not trained for tools gets the server's own format for them.
  const capabilities = { ...(typeof vision === 'boolean' && { vision }), ...(tools === true && { tools }) };
  const parametersBillions = billionsIn(parameters);
  return {
    id: key,
    ...(isPositive(size) && { sizeBytes: size }),
    ...(parametersBillions !== undefined && { parametersBillions }),
    ...(Object.keys(capabilities).length > 0 && { capabilities }),
  };
}

/** The server tells no queue; what it tells is which models are loaded, and with which context. */
async function load(http: HttpClient, provider: string, signal: AbortSignal): Promise<LoadReport> {
  return { resident: (await ownList(http, provider, signal)).flatMap(toResident) };
}

/**
 * Under the key, by which requests name a model. Of several instances of one model it is the one that bears the key itself, as the
 * first does unless it was given another name.
 */
function toResident({ key, size_bytes: size, loaded_instances: instances }: OwnModel): ResidentModel[] {
  const loaded = Array.isArray(instances) ? instances.filter(isJsonObject) : [];
  const instance = loaded.find(({ id }) => id === key) ?? loaded[0];
  if (instance === undefined) return [];
  const { context_length: length, parallel } = isJsonObject(instance['config']) ? instance['config'] : {};
  return [
    {
      id: key,
      ...(isPositive(size) && { sizeBytes: size }),
      ...(isPositive(length) && { contextLength: length }),
      ...(isPositive(parallel) && { slots: parallel }),
    },
  ];
}
