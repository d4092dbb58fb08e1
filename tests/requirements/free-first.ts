import { beside, row, type SystemTable } from './row.ts';

/** What is free first: this machine, a remote GPU, the hub; paid clouds with consent; a stub at the end. */
export const freeFirst: SystemTable = {
  system: 'free-first',
  topics: {
    Order: [
      row(
        'This machine, the remote GPU, the hub, the paid clouds with consent, the stub; an answer always comes',
        'preset `free-first`',
        'config/presets: free-first › full stack',
        'acceptance/presets: free-first › the stub answers when all of them are gone, and says that it is one',
        'acceptance/presets: when everything is gone, the paid ones too, the stub answers all the same',
      ),
    ],
    Variables: [
      row(
        'The address of the local Ollama',
        '`OLLAMA_BASE_URL`',
        'config/env: one Ollama',
        'config/env-settings: who is there › %s says that its provider is there',
      ),
      row(
        'The address of the remote GPU',
        '`GPU_REMOTE_URL`',
        'acceptance/presets: complex goes to the remote GPU, and its tunnel is told that no browser asks',
      ),
      row(
        'The key of the hub',
        '`HUGGINGFACE_API_KEY`, `HF_TOKEN`',
        'config/env-settings: %s sets what its row says, and is reported so',
        'config/env-settings: several names for one thing › two values are an issue',
      ),
      row(
        'Paid clouds are off unless they are allowed',
        '`ENABLE_PAID_API`; `allowPaid`',
        'config/presets: keys of paid providers alone change nothing',
        'config/env: paying › ENABLE_PAID_API=false stands',
      ),
      row('The key of OpenAI', '`OPENAI_API_KEY`', 'config/env: a missing key of openai is told with the name of its variable'),
      row(
        'The key of Anthropic',
        '`ANTHROPIC_API_KEY`',
        'config/env-settings: %s sets what its row says, and is reported so',
        'adapters/anthropic-request: carries the key and the version of the API in headers of their own',
      ),
      row(
        'How long a provider may take to begin',
        '`LLM_TIMEOUT_SECONDS`; `timeouts.firstTokenMs`',
        'config/presets: free-first › the options of the whole',
        'router/limits: is left after firstTokenMs while another candidate is left; role chunks do not count',
      ),
    ],
    'The four orders': [
      row(
        'Zero budget: this machine, the remote GPU, the hub, the stub',
        '`ENABLE_PAID_API=false`',
        'config/presets: free-first › zero budget',
        'acceptance/presets: free-first › each free one answers when those before it are gone',
      ),
      row(
        'Local only: this machine, the stub',
        '`OLLAMA_BASE_URL`',
        'config/presets: free-first › local only',
        'acceptance/presets: local only is what this machine has, then the stub',
      ),
      row('Remote only: the remote GPU, the stub', '`PROVIDER_ORDER=remote_gpu,local_stub`', 'config/presets: free-first › remote only'),
      row(
        'Full stack: all six',
        '`ENABLE_PAID_API=true`',
        'config/presets: free-first › full stack',
        'acceptance/presets: with consent the paid ones come after all that are free',
      ),
    ],
    Breaker: [
      row(
        'Opens after three failures in a row',
        "`breaker: 'classic'`",
        'breaker/breaker: classic: three in a row, whatever came before, 5 minutes each time',
      ),
      row(
        'Stays open for five minutes',
        "`breaker: 'classic'`",
        'router/breaker: "classic" opens after three failures for five minutes, every time',
        "config/resolve: 'classic' is three failures and five minutes, whatever the ratio",
      ),
      row(
        'Is closed, open or half open',
        '`ProviderHealth.circuit`',
        'breaker/breaker: changes of state',
        'http/views: show the breaker of a router, as long as it stays open',
      ),
      row(
        'Closes by itself',
        'event `breaker:close`',
        'router/breaker: exactly one of a hundred callers reaches the provider; success closes the breaker',
      ),
      row('Shows in health', '`circuit`, `circuitOpenUntilMs`', 'http/views: tell until when a breaker is open, be it that of a model'),
    ],
    Health: [
      row(
        'Each provider with status, last check, latency, errors in a row, successes, breaker and last error; healthy while one of them is',
        'view `gpu-providers`, `GET /health/gpu-providers`',
        'http/views: of the GPU providers',
        'http/views: the GPU providers',
      ),
    ],
    Providers: [
      row(
        'Ollama, which lists its models',
        'type `ollama`, `GET /api/tags`',
        'adapters/ollama: models come with sizes and abilities, as far as the server tells them',
      ),
      row(
        'A notebook with a health and a generate route, behind a tunnel',
        'type `remote-gpu`, `examples/deploy/remote-gpu`',
        'adapters/remote-gpu: a notebook',
        'examples/deploy: the notebook server › passes its own tests without any package',
      ),
      row(
        'The hub, with an answer to whether it is there',
        'type `huggingface`',
        'adapters/huggingface: chat › %s',
        'testing/conformance: $group: $name',
      ),
      row('OpenAI, well where it lists its models', 'type `openai`', 'adapters/openai: health asks for the models and costs nothing'),
      row(
        'Anthropic, well where it answers',
        'type `anthropic`',
        'adapters/anthropic: health › asks for one model and nothing paid',
        'config/presets: presets use what they list, and say which of their models are gone',
      ),
      row(
        'A stub that needs nothing',
        'type `stub`, `degraded: true`',
        'adapters/stub: answers with the configured text, marked as degraded and without usage',
        'adapters/stub: is always healthy, and has neither models nor embeddings',
      ),
    ],
    Application: [
      row(
        'A route that takes a prompt and a limit',
        '`POST /api/query`, `router.tryChat()`',
        'http/prompt-routes: POST /api/query',
        'router/try-chat: tryChat() gives the answer, its text and who gave it',
        'router/try-chat: tryChat() gives the error in the place of an answer, and who failed where it was one',
      ),
    ],
    'Figures and logs': [
      row(
        'Status, latency, errors in a row, successes, what breakers do, and that the stub answered',
        '`router.health()`, events, `route.degraded`',
        'router/events: events of one call come in one order: start, attempts without gaps, end',
        'acceptance/presets: local only is what this machine has, then the stub',
      ),
      row(
        'Response time and successes of each provider',
        '`router.snapshot()`: `latencyMs`, `firstContentMs`, `successes`, `failures`',
        'router/permits: the times of a provider › are smoothed, and that of the first content only where there was one',
      ),
      row(
        'Provider, latency and one id of a call in each line of a log',
        'events: `provider`, `ms`, `requestId`',
        'router/events: over 500 calls of every kind with every outcome, each start has exactly one end (seed %i)',
        'router/failover: an answer of the next provider comes, and every event on the way, in order, with one request id',
      ),
    ],
    Security: [
      row(
        'Keys come from the environment and can be changed while it runs',
        '`apiKey` as a function, `router.update()`',
        'router/secrets: is asked for before each request',
        'router/update: with credentials that it refused is asked again with others, and not again with the same',
        'config/env-settings: keys are marked as secret, and nothing else is',
      ),
      row(
        'HTTPS to the remote GPU',
        '`config:warning`',
        'config/env-settings: a remote GPU that is not https is warned of, unless it is near',
      ),
      row(
        'The address of a tunnel is checked',
        '`GPU_REMOTE_URL`',
        'config/provider-url: refused',
        'lib/tunnel: the warning page of the tunnel is skipped at %s',
      ),
      row(
        'A limit of calls',
        '`maxPerMinute`, `maxConcurrentPerCaller`, `maxConcurrent`',
        'http/limits: calls per minute',
        'http/limits: calls at once',
        'router/queue: turns a %s away that finds it full: it is saturated, status 429',
      ),
      row(
        'Nothing of a call is stored',
        'events and errors without prompts',
        'router/secrets: a key and a prompt',
        'router/explain: holds no prompt',
      ),
      row(
        'Data stay where they may be',
        '`maxLocality`',
        'router/policy: whatever fails, and however a call is tried again',
        'config/candidates: maxLocality',
      ),
    ],
    'Beside these': [
      beside(
        'A call with a flag for success instead of an error',
        '`router.tryChat()`',
        'router/try-chat: tryChat() gives the answer, its text and who gave it',
        'router/try-chat: tryChat() gives the error in the place of an answer, and who failed where it was one',
      ),
      beside(
        'The health of all providers at once, by a function',
        '`router.health()`',
        'router/health: asks every provider side by side, and one that hangs is down after five seconds',
      ),
      beside(
        'Simple questions to this machine, complex ones to the remote GPU, critical ones to a paid cloud',
        'intents `fast`, `complex`, and those of one’s own',
        'config/presets: complex goes to the remote GPU first, and as usual from there',
        'router/gates: an intent of one’s own has its own order',
      ),
      beside(
        'Load is spread, watched and queued',
        '`balance`, `queue`',
        'router/balance: least-busy › counts the calls that wait with those under way',
        'router/queue-lanes: a thousand calls at a provider with four slots are all answered, four at once, in their order',
      ),
      beside(
        'Repeated questions are answered from a cache with an end',
        '`cache`',
        'router/kept-answers: is given again, with a route of its own and nobody asked',
        'router/kept-answers: is forgotten when its time is over, whatever the store thinks',
        'router/kept-store: keeps answers for other processes, with a time to live',
      ),
      beside('Programs that test and show it', '`examples/demo`, `inferlane check`', 'examples/demo: tells what happened, in order'),
    ],
  },
};
