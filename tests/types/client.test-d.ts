import {
  type CallOptions,
  type ChatCompletion,
  type ChatRequest,
  type ChatStream,
  type CloseOptions,
  collect,
  type ConfigChanges,
  createRouter,
  type DrillCall,
  type DrillOptions,
  type EmbeddingList,
  type EventName,
  eventNames,
  type ExplainOptions,
  type FailoverTest,
  formatPlan,
  formatRoute,
  fromEnv,
  hopsOf,
  type Listener,
  type ParsedCompletion,
  type Plan,
  type ProviderTest,
  type RecordLine,
  type RecordSink,
  type RecordWriter,
  type Router,
  type RouterEvents,
  type RouterOptions,
  type SchemaRequest,
  textOf,
  type TriedChat,
  type Verb,
} from '../../src/index.ts';
import { exactly, some } from './exactly.ts';

// What a router knows of the options that it was made of, and what it gives.

const router = createRouter({
  providers: {
    gpu: { type: 'ollama', device: 'gpu' },
    cpu: { type: 'ollama', url: 'http://127.0.0.1:11435', device: 'cpu' },
    openai: { type: 'openai', apiKey: 'k' },
  },
  models: { 'llama3.1': { gpu: 'llama3.1:8b', openai: 'gpt-4o-mini' } },
  intents: { private: { maxLocality: 'host' } },
});
type Ids = 'gpu' | 'cpu' | 'openai';
type Model = 'llama3.1' | (string & {});
type Intents = 'fast' | 'heavy' | 'private';
exactly<Router<Ids, Model, Intents>>()(router);

const messages: ChatRequest['messages'] = [{ role: 'user', content: 'Hello!' }];

exactly<Promise<ChatCompletion>>()(router.chat({ model: 'llama3.1', messages }, { intent: 'private', provider: 'gpu', without: ['cpu'] }));
exactly<Promise<ChatCompletion>>()(router.chat({ model: 'any other name', messages }));
exactly<Promise<EmbeddingList>>()(router.embed({ model: 'llama3.1', input: ['a', 'b'] }, { provider: 'openai' }));
exactly<Promise<ChatStream>>()(router.stream({ messages }, { intent: 'heavy', deadlineMs: 5_000, signal: new AbortController().signal }));
exactly<Promise<TriedChat>>()(router.tryChat({ messages }, { without: ['gpu', 'cpu'] }));
exactly<Plan>()(router.explain({ messages }, { provider: 'gpu', stream: true }));
exactly<Promise<ProviderTest>>()(router.testProvider('cpu', { intent: 'fast' }));
exactly<Promise<readonly FailoverTest[]>>()(router.testFailover({ model: 'llama3.1' }));
exactly<number>()(router.unpin({ provider: 'gpu' }) + router.closeCircuit({ provider: 'cpu', model: 'llama3.1:8b' }));

// @ts-expect-error: there is no such provider
void router.chat({ messages }, { provider: 'gpi' });
// @ts-expect-error: there is no such provider
void router.stream({ messages }, { without: ['gpu', 'gpi'] });
// @ts-expect-error: there is no such intent
void router.stream({ messages }, { intent: 'fats' });
// @ts-expect-error: there is no such provider
router.unpin({ provider: 'gpi' });
// @ts-expect-error: there is no such provider
void router.testProvider('gpi');
// @ts-expect-error: a name is text
void router.embed({ model: 5, input: 'a' });

// Only what is written out is known.

exactly<Router<'gpu', string, 'fast' | 'heavy'>>()(createRouter({ providers: { gpu: { type: 'ollama' } } }));
exactly<Router>()(createRouter());
exactly<Router>()(createRouter(fromEnv({})));
exactly<Router>()(createRouter(some<RouterOptions>()));
exactly<Router>()(createRouter(some<RouterOptions | undefined>()));
exactly<Router<string, string, 'fast' | 'heavy' | 'mine'>>()(createRouter({ ...fromEnv({}), intents: { mine: {} } }));
exactly<Router<'gpu' | 'cloud', string, 'fast' | 'heavy'>>()(
  createRouter({ providers: { gpu: { type: 'ollama' }, ...(some<boolean>() && { cloud: { type: 'openai', apiKey: 'k' } }) } }),
);
const apart = { providers: { gpu: { type: 'ollama' } }, allowPaid: true } satisfies RouterOptions;
exactly<Router<'gpu', string, 'fast' | 'heavy'>>()(createRouter(apart));
const models: RouterOptions['models'] = { a: { gpu: 'b' } };
exactly<Router<'gpu', string, 'fast' | 'heavy'>>()(createRouter({ providers: { gpu: { type: 'ollama' } }, models }));

// @ts-expect-error: an alias names a provider that is not there
createRouter({ providers: { gpu: { type: 'ollama' } }, models: { alias: { gpu: 'a', gpi: 'b' } } });

// Any router is one for functions that take a router, and a router that knows nothing takes any name.

const any: Router = router;
void any.chat({ model: 'x', messages }, { provider: 'added by an update', intent: 'mine' });
exactly<ConfigChanges>()(any.update({ providers: { other: { type: 'vllm' } } }));
exactly<CallOptions<Ids, Intents> | undefined>()(some<Parameters<typeof router.stream>[1]>());
const options: ExplainOptions<Ids> & CallOptions = { intent: 'whatever', stream: false };
const drill: DrillOptions<Intents> = { intent: 'private' };
const close: CloseOptions = { drainMs: 0 };
exactly<Promise<void>>()(router.close(close));
void [options, drill];

// Events.

router
  .on('failover', ({ from, to, reason, requestId }) => {
    exactly<Ids>()(from);
    exactly<Ids>()(to);
    exactly<string>()(`${reason} ${requestId}`);
    // @ts-expect-error: never true
    return to === 'gpi';
  })
  .once('request:end', ({ provider, model, ms }) => {
    exactly<Ids>()(provider);
    exactly<string | undefined>()(model);
    exactly<number>()(ms);
  })
  .off('queue:enter', ({ providers }) => exactly<readonly Ids[]>()(providers));
// @ts-expect-error: there is no such event
router.on('failovr', () => undefined);
// @ts-expect-error: the payload has no such field
router.on('retry', ({ too }) => too);

const log: Listener<'attempt:error'> = ({ error, aborted, provider }) => exactly<string>()(`${String(error)} ${aborted} ${provider}`);
router.on('attempt:error', log);
for (const name of eventNames) router.on(name, (payload) => exactly<RouterEvents<Ids>[EventName]>()(payload));
exactly<Verb>()(some<RouterEvents['request:start']>().verb);

// Answers.

async function answers(): Promise<void> {
  const answer = await router.chat({ messages });
  exactly<string | null>()(answer.choices[0].message.content);
  exactly<string>()(answer.route.provider + formatRoute(answer.route));
  exactly<string>()(formatPlan(router.explain({ messages })));

  const stream = await router.stream({ messages });
  for await (const chunk of stream) exactly<string | null | undefined>()(chunk.choices[0]?.delta.content);
  exactly<ChatCompletion>()(await collect(stream));
  for await (const text of textOf(stream)) exactly<string>()(text);
  // @ts-expect-error: it must be awaited
  for await (const _ of router.stream({ messages }));

  const tried = await router.tryChat({ messages });
  if (tried.success) exactly<string>()(tried.content);
  else exactly<string>()(tried.errorMessage);
  // @ts-expect-error: only where it went well
  void tried.answer;

  const wanted = some<SchemaRequest<{ city: string }>>();
  const parsed: ParsedCompletion<{ city: string }> = await router.chat(wanted, { repair: true });
  exactly<string>()(parsed.parsed.city);
  // @ts-expect-error: the answer is one value
  void ({ ...wanted, n: 2 } satisfies SchemaRequest<{ city: string }>);

  const test: DrillCall = await router.testProvider('gpu');
  exactly<boolean>()(test.ok);

  const response = await router.fetch('http://any.host/v1/models');
  exactly<number>()(response.status + hopsOf(response.headers) + hopsOf({ 'x-inferlane-hops': '1' }));
}
void answers;

const writer: RecordWriter = { write: (line) => line.length };
const sink: RecordSink = (line) => exactly<'header' | 'config' | 'call' | 'state' | 'lost'>()((JSON.parse(line) as RecordLine).type);
exactly<() => void>()(router.record(writer));
exactly<() => void>()(router.record(sink));
