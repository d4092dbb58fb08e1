import type { Answer } from '../script.ts';
import { type Exchange, jsonExchange, textExchange, type Wire, type WireCall, type WireVerb } from '../wire.ts';
import { restOf } from './begun.ts';
import { failureExchange, failureInStream, type Failures, unreadable } from './failures.ts';
import { type Fields, textIn } from './fields.ts';
import { tgiRoutes } from './openai-local-routes.ts';
import { nativeTgiFailures, notebookFailures, proxyFailures } from './remote-gpu-failures.ts';
import { fastApiNotFound, json, loadedModel, pathOf, type Routes } from './routes.ts';
import { sceneOf } from './scene.ts';
import { generated, tokenStream } from './tgi-native.ts';

type Dialect = 'notebook' | 'proxy' | 'tgi';

/** What one of the three servers does in its own way. */
interface Server extends Pick<Wire, 'notFound' | 'modelOf' | 'begunBy'> {
  readonly routes: Routes;
  /** The paths that answer with text. */
  readonly answers: Readonly<Record<string, WireVerb>>;
  readonly answer: (answer: Answer, call: WireCall) => Exchange;
  readonly failures: Failures;
}

/**
 * The servers that have a `/generate`: a notebook with a few lines of FastAPI around a pipeline, a proxy in front of several TGI
 * servers, and TGI with its own protocol. None of them calls tools or embeds.
 */
export function remoteGpuWire(dialect: Dialect): Wire {
  const { routes, answers, answer, failures, notFound, modelOf, begunBy } = servers[dialect];
  return {
    name: 'remote-gpu',
    // The model is loaded before the port is opened.
    whileLoading: 'refuses',
    verbOf(method, path) {
      if (method === 'GET') return routeOf(routes, path)?.verb;
      return method === 'POST' ? answers[path] : undefined;
    },
    modelOf,
    ...(begunBy && { begunBy }),
    answer,
    fail(failure, call) {
      const exchange = failureExchange(failures, {}, failure, call);
      return failure.kind === 'html' && exchange !== undefined ? behindTunnel(exchange) : exchange;
    },
    errorInStream: (failure, call) => failureInStream(failures, failure, call),
    garbage: ({ verb }) => (verb === 'stream' ? `data:${unreadable}\n\n` : unreadable),
    tell: (call, state) => routeOf(routes, pathOf(call.path))?.tell(state, call),
    notFound,
  };
}

const healthOfModel = /^\/models\/([^/]+)\/health$/;

function routeOf(routes: Routes, path: string): Routes[string] | undefined {
  const known = healthOfModel.test(path) ? '/models/{id}/health' : path;
  return Object.hasOwn(routes, known) ? routes[known] : undefined;
}

/** Models that reason and servers that do not know it: the thoughts stand in front of the text. */
function spokenText(answer: Answer, call: WireCall): string {
  const { text, reasoning } = sceneOf(answer, call);
  return reasoning === '' ? text : `<think>\n${reasoning}</think>\n\n${text}`;
}

/** `transformers` gives the prompt back in front of what it wrote. */
function withPrompt(answer: Answer, call: WireCall): string | undefined {
  const prompt = textIn(call.body, 'prompt');
  return prompt === undefined ? undefined : prompt + spokenText(answer, call);
}

/** Whoever sends no prompt meets a KeyError that nobody caught. */
function wholeText(text: string | undefined, toBody: (text: string) => Fields): Exchange {
  return text === undefined ? textExchange('Internal Server Error', 500) : jsonExchange(toBody(text));
}

const notebook: Server = {
  routes: { '/health': json('health', (state) => ({ status: 'healthy', model: loadedModel(state)?.id ?? 'fake-model' })) },
  answers: { '/generate': 'chat' },
  answer: (answer, call) => wholeText(withPrompt(answer, call), (content) => ({ content })),
  failures: notebookFailures,
  notFound: fastApiNotFound,
  // It has the model it has, whatever a request says.
  modelOf: () => undefined,
};

const proxy: Server = {
  routes: {
    '/': json('about', () => ({ message: 'LLM proxy', endpoints: ['/models', '/generate'] })),
    '/models': json('models', ({ models }) =>
      models.map(({ id }) => ({ id, name: id, hf_name: id, endpoint: `http://tgi-${encodeURIComponent(id)}:80`, available: true })),
    ),
    '/models/{id}/health': json('health', (_, call) => {
      const id = decodeURIComponent(healthOfModel.exec(pathOf(call.path))?.[1] ?? '');
      return { model_id: id, endpoint: `http://tgi-${encodeURIComponent(id)}:80`, healthy: true, status: 'available' };
    }),
  },
  answers: { '/generate': 'chat' },
  answer: (answer, call) => wholeText(withPrompt(answer, call), (generated_text) => ({ generated_text, model_id: call.model ?? '' })),
  failures: proxyFailures,
  notFound: fastApiNotFound,
  modelOf: (_, body) => textIn(body, 'model_id'),
};

const speaker = '\nAssistant: ';

/** A model goes on with any text. Where this one ends in what an assistant says, that is what it goes on with. */
function openLineOf({ body }: WireCall): string | undefined {
  const inputs = textIn(body, 'inputs') ?? '';
  const at = inputs.lastIndexOf(speaker);
  if (at === -1) return undefined;
  const line = inputs.slice(at + speaker.length);
  return /\n(?:System|User|Tool|Assistant):/.test(line) || line === '' ? undefined : line;
}

const tgi: Server = {
  routes: tgiRoutes,
  answers: { '/generate': 'chat', '/generate_stream': 'stream' },
  begunBy: openLineOf,
  answer(whole, call) {
    const begun = openLineOf(call);
    const answer = begun === undefined ? whole : restOf(whole, begun);
    const { pieces, reasoning } = sceneOf(answer, call);
    const thoughts = reasoning === '' ? [] : [spokenText({ ...answer, text: '', pieces: [] }, call)];
    const said = { ...answer, pieces: [...thoughts, ...pieces] };
    return call.verb === 'stream' ? tokenStream(said, call) : generated(said, call);
  },
  failures: nativeTgiFailures,
  // axum's own: nothing at all.
  notFound: () => textExchange('', 404),
  modelOf: () => undefined,
};

const servers: Readonly<Record<Dialect, Server>> = { notebook, proxy, tgi };

/** What ngrok says of its codes, to clients that are no browsers. */
const tunnelCodes: Readonly<Record<number, readonly [code: string, text: string]>> = {
  404: ['ERR_NGROK_3200', 'The endpoint fake.ngrok-free.app is offline.'],
  502: ['ERR_NGROK_8012', 'Traffic was successfully tunneled, but the connection to the upstream was refused.'],
};

/** Such a server often stands behind a tunnel; when that is gone, it is the tunnel that answers. */
function behindTunnel(exchange: Exchange): Exchange {
  const known = tunnelCodes[exchange.status];
  if (known === undefined) return exchange;
  const [code, text] = known;
  const page = `<!DOCTYPE html>\n<html><head><title>ngrok</title></head><body><h1>${code}</h1><p>${text}</p></body></html>\n`;
  const told = textExchange(page, exchange.status, 'text/html');
  return { ...told, headers: { ...told.headers, 'ngrok-error-code': code } };
}
