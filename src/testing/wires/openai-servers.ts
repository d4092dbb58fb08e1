import { type Exchange, jsonExchange, textExchange, type Wire } from '../wire.ts';
import { begunIn, type Continues, saidBy } from './begun.ts';
import { failureExchange, failureInStream, type Failures, unreadable } from './failures.ts';
import { fieldsOf, textIn } from './fields.ts';
import { chatExchange, type ChatStyle, streamExchange } from './openai-chat.ts';
import { compatibleFailures, huggingfaceFailures, openaiFailures, togetherFailures } from './openai-cloud-failures.ts';
import { openaiError } from './openai-errors.ts';
import { llamacppFailures, lmstudioFailures, textgenFailures, tgiFailures } from './openai-local-failures.ts';
import { huggingfaceStyle, lmstudioStyle, openaiStyle, plainStyle, togetherStyle } from './openai-styles.ts';
import { nvidiaFailures, sglangFailures, vllmFailures } from './openai-vllm-failures.ts';
import { fastApiNotFound, isStream, json, modelList, pathOf, type Routes } from './routes.ts';
import { fakeCreated, sceneOf } from './scene.ts';
import * as embeddings from './openai-embeddings.ts';
import * as local from './openai-local-routes.ts';
import * as localStyles from './openai-local-styles.ts';

interface Server extends Pick<Wire, 'name' | 'notFound' | 'whileLoading'> {
  readonly chat: ChatStyle;
  /** Undefined: the server has no such route. */
  readonly embed: embeddings.EmbedStyle | 'feature-extraction' | undefined;
  readonly routes: Routes;
  readonly failures: Failures;
  /** Undefined: the server begins every answer anew. */
  readonly continues?: Continues | undefined;
}

const featurePath = /^\/hf-inference\/models\/(.+)\/pipeline\/feature-extraction$/;

function toWire(server: Server): Wire {
  const { name, chat, embed, routes, failures, notFound, whileLoading, continues } = server;
  const isEmbedPath = (path: string): boolean =>
    embed === 'feature-extraction' ? featurePath.test(path) : embed !== undefined && path === '/v1/embeddings';
  return {
    name,
    notFound: (call) => withServer(notFound(call), chat),
    whileLoading,
    verbOf(method, path, body) {
      if (method === 'GET') return routes[path]?.verb;
      if (method !== 'POST') return undefined;
      if (path === '/v1/chat/completions') return isStream(body) ? 'stream' : 'chat';
      return isEmbedPath(path) ? 'embed' : undefined;
    },
    ...(continues && { begunBy: (call) => begunIn(continues, call) }),
    ...(embed === 'feature-extraction' && { modelOf: (path, body) => hubNameOf(path) ?? textIn(body, 'model') }),
    answer(answer, call) {
      if (call.verb === 'stream') return streamExchange(chat, sceneOf(saidBy(continues, answer, call), call));
      if (call.verb !== 'embed') return chatExchange(chat, sceneOf(saidBy(continues, answer, call), call));
      if (embed === undefined) return notFound(call);
      if (embed === 'feature-extraction') return embeddings.featureExchange(answer, call);
      return embeddings.embedExchange(embed, chat.headers, answer, call);
    },
    fail: (failure, call) => failureExchange(failures, chat.headers, failure, call),
    errorInStream: (failure, call) => failureInStream(failures, failure, call),
    garbage: ({ verb }) => (verb === 'stream' ? `data: ${unreadable}\n\n` : unreadable),
    tell(call, state) {
      const told = routes[pathOf(call.path)]?.tell(state, call);
      return told && withServer(told, chat);
    },
  };
}

/** The name stands in the path, its parts encoded each by itself. */
function hubNameOf(path: string): string | undefined {
  const [, name] = featurePath.exec(path) ?? [];
  return name?.split('/').map(decoded).join('/');
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The headers by which some servers are known stand on every reply; the type of the body stays its own. */
function withServer(exchange: Exchange, { headers }: ChatStyle): Exchange {
  return { ...exchange, headers: { ...headers, ...exchange.headers } };
}

const invalidUrl: Wire['notFound'] = ({ method, path }) =>
  jsonExchange(openaiError(404, `Invalid URL (${method} ${pathOf(path)})`, 'invalid_request_error').body, 404);

const openai: Server = {
  name: 'openai',
  chat: openaiStyle,
  embed: embeddings.openaiEmbeddings,
  routes: { '/v1/models': modelList(() => ({ owned_by: 'system' })) },
  failures: openaiFailures,
  notFound: invalidUrl,
  whileLoading: 'answers',
};

const compatible: Server = {
  ...openai,
  name: 'openai-compatible',
  chat: plainStyle,
  embed: embeddings.floatEmbeddings,
  routes: { '/v1/models': modelList(() => ({ owned_by: 'fake' })) },
  failures: compatibleFailures,
};

const vllm: Server = {
  name: 'vllm',
  chat: localStyles.vllmStyle,
  embed: embeddings.vllmEmbeddings,
  routes: local.vllmRoutes,
  failures: vllmFailures,
  notFound: fastApiNotFound,
  whileLoading: 'refuses',
  continues: {
    isAsked: (body) => body['continue_final_message'] === true && body['add_generation_prompt'] === false,
    repeats: () => false,
  },
};

const llamacpp: Server = {
  name: 'llamacpp',
  chat: localStyles.llamacppStyle,
  embed: embeddings.llamacppEmbeddings,
  routes: local.llamacppRoutes,
  failures: llamacppFailures,
  notFound: () => jsonExchange({ error: { message: 'File Not Found', type: 'not_found_error', code: 404 } }, 404),
  whileLoading: 'answers',
  // Unless it was started with --no-prefill-assistant. Streams repeat nothing where the field is there.
  continues: { isAsked: () => true, repeats: ({ verb, body }) => verb === 'chat' || fieldsOf(body)['continue_final_message'] !== true },
};

const sglang: Server = {
  ...vllm,
  name: 'sglang',
  chat: localStyles.sglangStyle,
  embed: embeddings.sglangEmbeddings,
  routes: local.sglangRoutes,
  failures: sglangFailures,
  continues: { isAsked: (body) => body['continue_final_message'] === true, repeats: () => false },
};

const lmstudio: Server = {
  name: 'lmstudio',
  chat: lmstudioStyle,
  embed: embeddings.floatEmbeddings,
  routes: local.lmstudioRoutes,
  failures: lmstudioFailures,
  // Its own log says "Returning 200 anyway".
  notFound: ({ method, path }) => jsonExchange({ error: `Unexpected endpoint or method. (${method} ${path})` }),
  whileLoading: 'waits',
};

const nvidia: Server = {
  ...vllm,
  name: 'nvidia',
  routes: local.nvidiaRoutes,
  failures: nvidiaFailures,
  continues: undefined,
};

const textgen: Server = {
  ...vllm,
  name: 'textgen',
  chat: localStyles.textgenStyle,
  embed: embeddings.textgenEmbeddings,
  routes: local.textgenRoutes,
  failures: textgenFailures,
  continues: { isAsked: (body) => body['continue_'] === true, repeats: () => true },
};

const tgi: Server = {
  name: 'tgi',
  chat: localStyles.tgiStyle,
  embed: undefined,
  routes: local.tgiRoutes,
  failures: tgiFailures,
  notFound: () => textExchange('', 404),
  whileLoading: 'refuses',
  continues: { isAsked: () => true, repeats: () => false },
};

const together: Server = {
  ...openai,
  name: 'together',
  chat: togetherStyle,
  embed: embeddings.togetherEmbeddings,
  // A bare list.
  routes: {
    '/v1/models': json('models', ({ models }) =>
      models.map(({ id, contextLength = 8_192 }) => ({
        id,
        object: 'model',
        created: fakeCreated,
        type: 'chat',
        display_name: id,
        organization: 'fake',
        context_length: contextLength,
        pricing: { hourly: 0, input: 0.2, output: 0.2, base: 0, finetune: 0 },
      })),
    ),
  },
  failures: togetherFailures,
};

const huggingface: Server = {
  ...openai,
  name: 'huggingface',
  chat: huggingfaceStyle,
  embed: 'feature-extraction',
  routes: {
    '/v1/models': modelList(({ contextLength = 8_192 }) => ({
      owned_by: 'fake',
      providers: [{ provider: 'fake', status: 'live', context_length: contextLength, supports_tools: true }],
    })),
  },
  failures: huggingfaceFailures,
  notFound: () => jsonExchange({ error: 'Not Found' }, 404),
};

/** The servers that speak OpenAI's protocol, each with its own bytes and its own words. */
export const openaiWires: Readonly<
  Record<
    | 'openai'
    | 'openai-compatible'
    | 'vllm'
    | 'llamacpp'
    | 'sglang'
    | 'lmstudio'
    | 'nvidia'
    | 'textgen'
    | 'tgi'
    | 'together'
    | 'huggingface',
    Wire
  >
> = Object.freeze({
  openai: toWire(openai),
  'openai-compatible': toWire(compatible),
  vllm: toWire(vllm),
  llamacpp: toWire(llamacpp),
  sglang: toWire(sglang),
  lmstudio: toWire(lmstudio),
  nvidia: toWire(nvidia),
  textgen: toWire(textgen),
  tgi: toWire(tgi),
  together: toWire(together),
  huggingface: toWire(huggingface),
});
