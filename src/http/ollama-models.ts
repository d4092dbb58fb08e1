import type { ModelInfo, ModelInventory, ServedModel } from '../index.ts';
import { readBody } from './body-schema.ts';
import { badRequest, HttpRefusal } from './failure.ts';
import { showBody } from './ollama-schema.ts';
import { inventoryNow } from './recent-status.ts';
import { jsonResponse } from './respond.ts';
import type { Exchange } from './route.ts';

/**
 * The version whose API this is. Clients compare it with the one that they need: a version of our own would tell them that tools, thoughts
 * and formats are missing.
 */
const ollamaVersion = '0.33.0';

/** `GET /api/version` */
export async function version(): Promise<Response> {
  return jsonResponse({ version: ollamaVersion });
}

/** `GET /api/tags`: what may be asked for, aliases first. An alias that nobody serves cannot be. */
export async function tags(exchange: Exchange): Promise<Response> {
  const inventory = await inventoryNow(exchange);
  const served = inventory.models.filter(({ servedBy }) => servedBy.length > 0);
  return jsonResponse({ models: served.map((model) => summaryOf(model, infoOf(model, inventory))) });
}

/** `POST /api/show` */
export async function show(exchange: Exchange): Promise<Response> {
  const { model, name = model } = readBody(showBody, exchange.body);
  if (name === undefined || name === '') throw badRequest('model must be a name.', 'model');
  const inventory = await inventoryNow(exchange);
  const found = inventory.models.find(({ id, servedBy }) => servedBy.length > 0 && (id === name || `${id}:latest` === name));
  if (found === undefined) throw new HttpRefusal({ status: 404, code: 'model_not_found', message: 'model not found' });
  const info = infoOf(found, inventory);
  const { contextLength, parametersBillions } = info;
  return jsonResponse({
    modified_at: unknownTime,
    details: detailsOf(info),
    capabilities: capabilitiesOf(info) ?? ['completion'],
    model_info: {
      'general.architecture': 'unknown',
      ...(parametersBillions !== undefined && { 'general.parameter_count': Math.round(parametersBillions * 1e9) }),
      ...(contextLength !== undefined && { 'unknown.context_length': contextLength }),
    },
  });
}

// Clients read these fields without asking whether they are there, and one takes the first letters of the digest.
const unknownTime = '1970-01-01T00:00:00Z';
const unknownDigest = '0'.repeat(64);

function summaryOf({ id }: ServedModel, info: Partial<ModelInfo>): object {
  const capabilities = capabilitiesOf(info);
  return {
    name: id,
    model: id,
    modified_at: unknownTime,
    size: info.sizeBytes ?? 0,
    digest: unknownDigest,
    details: detailsOf(info),
    ...(capabilities && { capabilities }),
  };
}

/** What the first of its servers says of it. */
function infoOf({ servedBy }: ServedModel, { providers }: ModelInventory): Partial<ModelInfo> {
  const [first] = servedBy;
  return providers.find(({ provider }) => provider === first?.provider)?.models?.find(({ id }) => id === first?.model) ?? {};
}

function detailsOf({ parametersBillions }: Partial<ModelInfo>): object {
  const parameter_size = parametersBillions === undefined ? '' : sizeOf(parametersBillions);
  return { parent_model: '', format: '', family: '', families: [], parameter_size, quantization_level: '' };
}

function sizeOf(billions: number): string {
  return billions < 1 ? `${Math.round(billions * 1_000)}M` : `${billions.toFixed(1)}B`;
}

/** Undefined where the server says nothing: a list without a word is read as a no. */
function capabilitiesOf({ capabilities }: Partial<ModelInfo>): readonly string[] | undefined {
  if (capabilities === undefined) return undefined;
  const { tools, vision, reasoningEffort } = capabilities;
  return ['completion', ...(tools ? ['tools'] : []), ...(vision ? ['vision'] : []), ...(reasoningEffort ? ['thinking'] : [])];
}
