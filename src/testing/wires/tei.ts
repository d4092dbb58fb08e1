import type { Answer } from '../script.ts';
import { type BackendState, type Exchange, jsonExchange, textExchange, type Wire, type WireCall } from '../wire.ts';
import { failureExchange, type FailureRow, type Failures, unreadable } from './failures.ts';
import { type Fields, fieldsOf, numberOf, textsOf } from './fields.ts';
import { embedExchange, openaiEmbeddings } from './openai-embeddings.ts';
import { json, loadedModel, metricsRoute, pathOf, type Routes, silentHealth } from './routes.ts';
import { vectorsFor } from './vectors.ts';

/**
 * text-embeddings-inference 1.9 (`router/src/http/server.rs`): its own `/embed`, which answers with bare vectors, and OpenAI's
 * `/v1/embeddings`. It serves one model, whatever a request calls it, and does not listen before that is loaded.
 */
export const teiWire: Wire = {
  name: 'tei',
  whileLoading: 'refuses',
  verbOf(method, path) {
    if (method === 'GET') return Object.hasOwn(routes, path) ? routes[path]?.verb : undefined;
    return method === 'POST' && (path === '/embed' || path === '/v1/embeddings') ? 'embed' : undefined;
  },
  answer: embed,
  fail: (failure, call) => failureExchange(isOpenAI(call) ? openaiFailures : ownFailures, {}, failure, call),
  errorInStream: () => '',
  garbage: () => unreadable,
  tell: (call, state) => routes[pathOf(call.path)]?.tell(state, call),
  // axum's own: nothing at all.
  notFound: () => textExchange('', 404),
};

const routes: Routes = {
  '/info': json('models', toInfo),
  '/health': silentHealth,
  '/metrics': metricsRoute(({ waiting }) => [{ name: 'te_queue_size', help: 'Current number of tokens in the queue.', value: waiting }]),
};

function isOpenAI({ path }: WireCall): boolean {
  return pathOf(path) === '/v1/embeddings';
}

/** `max_client_batch_size` */
const largestBatch = 32;

function embed(answer: Answer, call: WireCall): Exchange {
  const { inputs, input, dimensions } = fieldsOf(call.body);
  const texts = textsOf(isOpenAI(call) ? input : inputs);
  const refuse = isOpenAI(call) ? inOpenAIShape : inOwnShape;
  if (texts.length === 0) return jsonExchange(refuse(400, noInput, 'Empty'), 400);
  if (texts.length > largestBatch) {
    return jsonExchange(refuse(422, `batch size ${texts.length} > maximum allowed batch size ${largestBatch}`, 'Validation'), 422);
  }
  // It always counts.
  if (isOpenAI(call)) return embedExchange(openaiEmbeddings, {}, { ...answer, usage: answer.usage ?? undefined }, call);
  return jsonExchange(vectorsFor(answer, texts, numberOf(dimensions)));
}

const noInput = 'Input validation error: `inputs` cannot be empty';

type ErrorType = 'Empty' | 'Validation' | 'Backend' | 'Overloaded' | 'Unhealthy';

/** An error of no type is none of the server's own making; those it makes have one, with a capital as the code writes it. */
type Shape = (status: number, message: string, type?: ErrorType) => Fields;

const inOwnShape: Shape = (_, message, type) => ({ error: message, error_type: type });
const inOpenAIShape: Shape = (status, message, type) => ({ message, code: status, type });

function failuresIn(shape: Shape): Failures {
  const row = (status: number, type: ErrorType, message: string): FailureRow => ({ status, body: shape(status, message, type) });
  const driver = (error: string): FailureRow => row(424, 'Backend', `Backend error: Inference error: DriverError(${error})`);
  const outOfMemory = driver('CUDA_ERROR_OUT_OF_MEMORY, "out of memory"');
  return {
    shape: (status, message) => shape(status, message),
    inStream: () => '',
    deadly: [],
    inOpenedStream: [],
    rows: {
      // Its other devices are processors, and there the system kills the process.
      'out-of-memory': ({ memory = 'cuda' }) => (memory === 'cuda' ? outOfMemory : undefined),
      driver: driver('CUDA_ERROR_ILLEGAL_ADDRESS, "an illegal memory access was encountered"'),
      'queue-full': row(429, 'Overloaded', 'Model is overloaded'),
      auth: { status: 401, body: '' },
      'context-length': row(422, 'Validation', 'Input validation error: `inputs` must have less than 512 tokens. Given: 700'),
      'bad-request': row(400, 'Empty', noInput),
      server: row(503, 'Unhealthy', 'unhealthy'),
    },
  };
}

const ownFailures = failuresIn(inOwnShape);
const openaiFailures = failuresIn(inOpenAIShape);

function toInfo(state: BackendState): Fields {
  const model = loadedModel(state);
  return {
    model_id: model?.id ?? 'fake-model',
    model_sha: null,
    model_dtype: 'float16',
    served_model_name: model?.id ?? 'fake-model',
    model_type: { embedding: { pooling: 'mean' } },
    max_concurrent_requests: 512,
    max_input_length: model?.contextLength ?? 512,
    max_batch_tokens: 16384,
    max_batch_requests: null,
    max_client_batch_size: largestBatch,
    auto_truncate: true,
    tokenization_workers: 4,
    version: '1.9.3',
    sha: null,
    docker_label: null,
  };
}
