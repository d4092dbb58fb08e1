import { beside, row, type SystemTable } from './row.ts';

/** One provider, exchanged by a variable, and a chain behind it where one is given. */
export const switchable: SystemTable = {
  system: 'switchable',
  topics: {
    Variables: [
      row(
        'Which of five providers goes first; OpenAI where none is named',
        '`INFERENCE_PROVIDER`',
        'acceptance/presets: INFERENCE_PROVIDER=%s is the whole change: the same call goes there, for its own model, and nowhere else',
        'config/presets: OpenAI where no variable names another',
      ),
      row('The key of OpenAI', '`OPENAI_API_KEY`', 'config/env: a missing key of openai is told with the name of its variable'),
      row(
        'The address of OpenAI, or of what speaks like it',
        '`OPENAI_API_BASE`, `OPENAI_BASE_URL`',
        'config/env: one thing under several names › %s is the address of openai',
      ),
      row('The limit of an attempt at OpenAI', '`OPENAI_TIMEOUT`', 'config/presets: switchable › OpenAI only'),
      row(
        'The address of the local server that goes first',
        '`LOCAL_INFERENCE_URL`',
        'config/env-defects: 1: one address for all local servers: it belongs to the first alone',
      ),
      row(
        'The model of the local server that goes first',
        '`LOCAL_MODEL_NAME`',
        'config/env: the chain › nor does its model',
        'config/env-defects: 12: variables of health and of the model that nothing reads: they are read',
      ),
      row(
        'The limit of an attempt at a local server',
        '`LOCAL_INFERENCE_TIMEOUT`',
        'config/presets: a call lasts as long as the limits of its attempts together',
      ),
      row(
        'Whether anybody stands in',
        '`ENABLE_FALLBACK`',
        'config/presets: switchable › local only',
        'config/env-settings: false in one of the two switches of failing over counts',
      ),
      row(
        'Who stands in, in order',
        '`FALLBACK_CHAIN`',
        'config/env: the chain › it is exact: what it does not name is not used',
        'acceptance/presets: the chain: the first, then who stands behind it, then an error that names both',
      ),
      row(
        'How often health is asked',
        '`HEALTH_CHECK_INTERVAL`; `health.intervalMs`',
        'config/env-defects: 12: variables of health and of the model that nothing reads: they are read',
        'router/health-monitor: intervals are those of the configuration, and one that is down is asked as often as one that is well at least',
      ),
      row(
        'How long that may take',
        '`HEALTH_CHECK_TIMEOUT`; `health.timeoutMs`',
        'config/env-defects: 12: variables of health and of the model that nothing reads: they are read',
        'router/health: asks every provider side by side, and one that hangs is down after five seconds',
        'router/health-per-request: gives them health.timeoutMs where there is more',
      ),
      row(
        'The key of the hub',
        '`HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`',
        'config/env-settings: %s sets what its row says, and is reported so',
        'config/env-settings: several names for one thing › two values are an issue',
      ),
    ],
    Functions: [
      row(
        'A chat in OpenAI’s shape, whole or streamed, with every parameter',
        '`router.chat()`, `router.stream()`',
        'adapters/openai-wire: every field of a chat request is sent under its own name',
        'router/stream: the collected stream is the answer of a chat, but for its route',
      ),
      row(
        'Embeddings of a text or a list, by each provider’s own model',
        '`router.embed()`',
        'router/embed: there is one vector per input, in order, beside the route',
        'acceptance/switchable-defects: 3: the model "default" is passed on as a name, with texts to embed as well',
      ),
      row(
        'Whether a provider is well',
        '`router.health()`',
        'acceptance/presets: health shows all of them, the one that is down with the reason',
      ),
      row(
        'The models that there are',
        '`router.models()`',
        'acceptance/switchable-defects: a server that never answered has no list, but an error, and is down',
      ),
      row(
        'The name of a provider',
        '`ProviderHealth.provider`, `answer.route.provider`',
        'router/failover: the route tells who answered and what was tried before',
      ),
      row(
        'Whether it is local or a cloud',
        '`ProviderHealth.locality`, `cost`',
        'config/env-defects: 16: a server of vLLM with a key is called a cloud: a key changes neither what it is nor what it costs',
        'config/locality-of: a provider › of type %s at its usual address',
      ),
    ],
    Providers: [
      row(
        'OpenAI: health and models by its list, its own embedding model',
        'type `openai`',
        'adapters/openai: health asks for the models and costs nothing',
        'config/default-models: a cloud at its usual address has those of the table, one for each verb',
        'acceptance/switchable-defects: a server that has gone is down, whatever it listed before',
      ),
      row(
        'Ollama: its own chat, embeddings and list, its own counts',
        'type `ollama`',
        'adapters/ollama: puts the sampling into options',
        'adapters/ollama: go out as one list and come back in its order, with the usage that the server counted',
        'adapters/ollama: counts a left-out number as 0, and nothing where both are missing: %j',
      ),
      row(
        'vLLM: chat, embeddings where it has them, models, health',
        'type `vllm`',
        'adapters/vllm: embeddings of a language model are unsupported',
        'adapters/vllm: health › tells the version',
        'testing/conformance: $group: $name',
      ),
      row(
        'llama.cpp, which was only declared',
        'type `llamacpp`',
        'adapters/llamacpp: health › is ok when the model is loaded',
        'testing/conformance: $group: $name',
        'acceptance/presets: INFERENCE_PROVIDER=llamacpp is the whole change: the same call goes there, for its own model, and nowhere else',
      ),
      row(
        'text-generation-webui, which was only declared',
        'type `textgen`',
        'adapters/textgen: health › is ok with a model',
        'testing/conformance: $group: $name',
        'acceptance/presets: INFERENCE_PROVIDER=textgen is the whole change: the same call goes there, for its own model, and nowhere else',
      ),
    ],
    Router: [
      row(
        'The first, then the chain; unknown names are refused; an error that names all',
        '`FALLBACK_CHAIN`, code `all_failed`',
        'acceptance/presets: the chain: the first, then who stands behind it, then an error that names both',
        'config/env-defects: 14: three of five providers are known, and the others are skipped in silence: all five are known, and no other name is taken',
      ),
      row(
        'The health of the first and of all behind it, with models or the error',
        'view `inference`',
        'http/views: of inference',
        'http/views: the health of inference',
      ),
      row('The same under its path', 'view `inference`, `GET /v1/health/inference`', 'http/views: has a path of its own, or none'),
      row(
        'Old code goes on with old names',
        'OpenAI’s shapes, ids of providers as they were',
        'adapters/openai-wire: %s passes through untouched',
        'config/presets: switchable › only a variable is changed to switch',
      ),
    ],
    Figures: [
      row(
        'Requests that run and wait, use of the cache, time to the first token and per token: from the server’s own metrics',
        '`ProviderHealth.load`',
        'adapters/vllm: adds up the engines and tells the fullest cache',
        'adapters/vllm: reads the old name of the cache gauge, and gauges without labels',
        'router/permits: the times of a provider › are smoothed, and that of the first content only where there was one',
        'adapters/vllm: tells the mean times to the first token and from one to the next, under the old name too',
      ),
    ],
    Scenarios: [
      row(
        'OpenAI alone',
        'preset `switchable`',
        'config/presets: switchable › OpenAI only',
        'acceptance/presets: INFERENCE_PROVIDER=openai is the whole change: the same call goes there, for its own model, and nowhere else',
      ),
      row(
        'vLLM',
        '`INFERENCE_PROVIDER=vllm`',
        'config/presets: switchable › vLLM',
        'acceptance/presets: INFERENCE_PROVIDER=vllm is the whole change: the same call goes there, for its own model, and nowhere else',
      ),
      row(
        'Ollama',
        '`INFERENCE_PROVIDER=ollama`',
        'config/presets: switchable › Ollama',
        'acceptance/presets: INFERENCE_PROVIDER=ollama is the whole change: the same call goes there, for its own model, and nowhere else',
      ),
      row(
        'vLLM, then OpenAI',
        '`FALLBACK_CHAIN=openai`',
        'config/presets: switchable › vLLM, then OpenAI',
        'acceptance/presets: the chain: the first, then who stands behind it, then an error that names both',
      ),
      row(
        'Local only',
        '`ENABLE_FALLBACK=false`',
        'config/presets: switchable › local only',
        'acceptance/presets: local only: what fails here fails, and nothing leaves',
      ),
    ],
    Acceptance: [
      row(
        'Switched by variables, with no change of code',
        'preset `switchable`',
        'acceptance/presets: INFERENCE_PROVIDER=%s is the whole change: the same call goes there, for its own model, and nowhere else',
        'config/presets: switchable › only a variable is changed to switch',
      ),
      row(
        'The chain: first, stand-in, error',
        '`FALLBACK_CHAIN`',
        'acceptance/presets: the chain: the first, then who stands behind it, then an error that names both',
      ),
      row(
        'Health shows all providers',
        '`router.health()`',
        'acceptance/presets: health shows all of them, the one that is down with the reason',
      ),
      row(
        'Profiles for containers',
        '`examples/deploy/compose.yaml`',
        'examples/deploy: start under the five profiles what their names say',
      ),
      row(
        'Local servers are quick enough',
        'limits that allow a model to be loaded',
        'router/memory: waits twice the expected time of the load longer for its first token',
        'cli/chat: measures as many calls as it is told to, and one before',
      ),
    ],
    'Beside these': [
      beside(
        'Settings of vLLM, with and without their prefix: only a server acts on them',
        '`metadata`, `examples/deploy`',
        'config/env-settings: what nothing acts upon is never an issue',
        'examples/deploy: explains every setting that only a server can act on, in full',
      ),
      beside(
        'The model of vLLM from the variable of its server',
        '`VLLM_MODEL_NAME`',
        'config/env-settings: several names for one thing › %s gives way',
      ),
      beside('Quick start: Ollama, then OpenAI', 'preset `switchable`', 'config/presets: switchable › quick start: Ollama, then OpenAI'),
      beside(
        'Ports of the containers, and how vLLM’s health is asked',
        '`examples/deploy/compose.yaml`',
        'examples/deploy: give each server the port that the documents give it, and no port of the host to two',
        'examples/deploy: ask vLLM for its health as the documents do',
      ),
      beside(
        'A deterministic local model for tests',
        '`inferlane/testing`, `examples/tiny-model`',
        'examples/tiny-model: %s is the same file to the byte, always',
        'testing/fake-backend: *',
      ),
      beside(
        'Retries, limits of requests, figures, load',
        '`retry`, `timeouts`, events',
        'router/rests: is asked three times and no more',
        'router/queue-lanes: a thousand calls at a provider with four slots are all answered, four at once, in their order',
      ),
    ],
  },
};
