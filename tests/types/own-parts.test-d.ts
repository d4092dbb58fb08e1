import type {
  Adapter,
  AdapterDefinition,
  AutodetectOptions,
  Body,
  ByteSource,
  Call,
  Capabilities,
  Change,
  Chat,
  ChatAnswer,
  ChatChunk,
  ChatRequest,
  Clock,
  Conclusion,
  Detection,
  Embed,
  EmbedAnswer,
  Feature,
  HealthReport,
  HttpCall,
  HttpClient,
  HttpForOptions,
  LeaseAnswer,
  LeaseAsk,
  LoadReport,
  Logger,
  MemoryStoreOptions,
  ModelInfo,
  ModelName,
  OtherVerbs,
  Parameter,
  ProviderType,
  ResidentModel,
  RouterError,
  SseEvent,
  StateStore,
  StoreConnection,
  Stream,
  StreamLimits,
  Sum,
  SumAsk,
  SyncAsk,
  Synced,
  TakeAsk,
  Taken,
  Transport,
  TransportRequest,
  TransportResponse,
} from '../../src/index.ts';
import {
  autodetect,
  createRouter,
  defineAdapter,
  httpFor,
  memoryStore,
  ofetchTransport,
  readEvents,
  readLines,
  systemClock,
} from '../../src/index.ts';
import { exactly, some } from './exactly.ts';

// A backend of one's own.

const where: HttpForOptions = { provider: 'mine', url: 'http://127.0.0.1:9000', apiKey: 'k', transport: ofetchTransport() };
const http: HttpClient = httpFor(where);
const chat: Chat = async (call) => {
  exactly<Call<ChatRequest>>()(call);
  const asked: HttpCall = call;
  const answer: unknown = await http.postJson('/chat', { model: call.model }, asked);
  exactly<RouterError | undefined>()(http.errorIn(answer, undefined));
  return some<ChatAnswer>();
};
const limits: StreamLimits = { maxEventBytes: 1_000, maxStreamBytes: 100_000 };
const stream: Stream = async (call) => {
  const body: Body = await http.openStream('/chat', {}, call);
  return (async function* () {
    for await (const batch of readEvents(body, limits, '[DONE]')) {
      exactly<readonly SseEvent[]>()(batch);
      yield [some<ChatChunk>()];
    }
    for await (const batch of readLines(body, limits)) exactly<readonly string[]>()(batch);
  })();
};
const embed: Embed = () => Promise.resolve(some<EmbedAnswer>());
const capabilities: Partial<Capabilities> = { tools: true };
const features: readonly Feature[] = ['tools', 'prefill'];
const ignores: readonly Parameter[] = ['seed'];
const modelName: ModelName = 'optional';
const resident: ResidentModel = { id: 'a', vramBytes: 1 };
const verbs: OtherVerbs = {
  embed,
  models: (): Promise<readonly ModelInfo[]> => Promise.resolve([{ id: 'a', contextLength: 8_192 }]),
  health: (): Promise<HealthReport> => Promise.resolve({ state: 'ok' }),
  load: (): Promise<LoadReport> => Promise.resolve({ running: 1, resident: [resident] }),
};
const definition: AdapterDefinition = { name: 'mine', ...verbs, chat, stream, capabilities, ignores, modelName };
const adapter: Adapter = defineAdapter(definition);
createRouter({ providers: { mine: { type: 'custom', adapter } } });
void features;
// @ts-expect-error: one of chat, stream and embed must be there
defineAdapter({ name: 'mine' });
// @ts-expect-error: a request is needed
void adapter.chat({ model: 'a' });

const timeLimit: AutodetectOptions = { timeoutMs: 1_000 };
exactly<Promise<Detection>>()(autodetect('http://gpu-box:8000', timeLimit));
exactly<ProviderType>()(some<Detection>().type);

// Seams.

const clock: Clock = { ...systemClock, nowMs: () => 0 };
const source: ByteSource = { read: () => Promise.resolve(undefined), cancel: () => undefined };
const transport: Transport = {
  send: (request: TransportRequest): Promise<TransportResponse> => {
    exactly<'GET' | 'POST'>()(request.method);
    return Promise.resolve({ status: 200, header: () => null, body: source, text: () => Promise.resolve('') });
  },
};
const logger: Logger = console;
createRouter({ providers: { gpu: { type: 'ollama' } }, clock, transport, logger, random: () => 0.5 });
// @ts-expect-error: fetch is no transport
createRouter({ providers: { gpu: { type: 'ollama' } }, transport: fetch });

// A store of one's own.

const change: Change = { name: 'breaker/gpu', value: 'open', keepMs: 1_000 };
const conclusion: Conclusion = { name: 'breaker/gpu', value: 'open', version: 1, ageMs: 0 };
const connection: Partial<StoreConnection> = {
  sync: (ask: SyncAsk): Promise<Synced> =>
    Promise.resolve({ version: ask.sinceVersion, conclusions: [conclusion], refused: [], members: ask.changes.length }),
  lease: (ask: LeaseAsk): Promise<LeaseAnswer> => Promise.resolve({ isMine: true, fence: ask.forMs }),
  take: (asks: readonly TakeAsk[]): Promise<readonly Taken[]> => Promise.resolve(asks.map(({ wanted }) => ({ given: wanted, waitMs: 0 }))),
  add: (asks: readonly SumAsk[]): Promise<readonly Sum[]> => Promise.resolve(asks.map(({ amount }) => ({ total: amount, leftMs: 1 }))),
};
void [change, connection];
const withClock: MemoryStoreOptions = { clock };
const store: StateStore = memoryStore(withClock);
exactly<StoreConnection>()(store.connect());
