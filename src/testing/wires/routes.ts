import type { BackendState, Exchange, FakeModel, WireCall, WireVerb } from '../wire.ts';
import { jsonExchange, textExchange } from '../wire.ts';
import { type Fields, fieldsOf } from './fields.ts';
import { fakeCreated } from './scene.ts';

/** What a server tells at one of its paths. */
export interface Route {
  readonly verb: Exclude<WireVerb, 'chat' | 'stream' | 'embed'>;
  readonly tell: (state: BackendState, call: WireCall) => Exchange;
}

/** Path of a GET without its query → what stands there. */
export type Routes = Readonly<Record<string, Route>>;

export const json = (verb: Route['verb'], value: (state: BackendState, call: WireCall) => unknown): Route => ({
  verb,
  tell: (state, call) => jsonExchange(value(state, call)),
});

/** Status 200 and nothing else. */
export const silentHealth: Route = { verb: 'health', tell: () => textExchange('') };

/** Where the script gives a model no window. Every server that tells windows has one for each model. */
export const defaultContextLength = 8_192;

/** `{"object": "list", "data": [...]}`, each model with the fields that are this server's own. */
export const modelList = (more: (model: FakeModel) => Fields): Route =>
  json('models', ({ models }) => ({
    object: 'list',
    data: models.map((model) => ({ id: model.id, object: 'model', created: fakeCreated, ...more(model) })),
  }));

/** The model in memory: of servers that hold one. */
export function loadedModel({ resident, models }: BackendState): FakeModel | undefined {
  return resident[0] ?? models[0];
}

export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly value: number;
}

/** Prometheus text. Python's exporters write whole numbers as `1.0`. */
export function metricsRoute(gauges: (state: BackendState) => readonly Gauge[], labels = '', isPython = false): Route {
  const lines = ({ name, help, value }: Gauge): string =>
    `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name}${labels} ${isPython && Number.isInteger(value) ? `${value}.0` : value}\n`;
  return {
    verb: 'load',
    tell: (state) => textExchange(gauges(state).map(lines).join(''), 200, 'text/plain; version=0.0.4; charset=utf-8'),
  };
}

/** Without its query. */
export function pathOf(path: string): string {
  return path.split('?', 1)[0] ?? path;
}

export function queryOf(call: Pick<WireCall, 'path'>): URLSearchParams {
  return new URLSearchParams(call.path.split('?')[1] ?? '');
}

/** FastAPI's words for a path it does not have. */
export const fastApiNotFound = (): Exchange => jsonExchange({ detail: 'Not Found' }, 404);

/** Whether a body asks for a stream. */
export function isStream(body: unknown): boolean {
  return fieldsOf(body)['stream'] === true;
}
