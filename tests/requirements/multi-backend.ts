import { beside, row, type SystemTable } from './row.ts';

/** A GPU server, a paid cloud and a model in this process. */
export const multiBackend: SystemTable = {
  system: 'multi-backend',
  topics: {
    Backends: [
      row(
        'A dedicated GPU server of NVIDIA',
        'type `nvidia`, `NVIDIA_BASE_URL`, `NVIDIA_DEFAULT_MODEL`',
        'adapters/nvidia: chat › is sent as to vLLM',
        'acceptance/presets: the GPU server fails, and the cloud answers, each for its own model',
      ),
      row(
        'The cloud Together, by its API',
        'type `together`, `TOGETHER_API_KEY`',
        'adapters/together: what is sent › %s',
        'acceptance/presets: the cloud fails, and the processor answers; the GPU server is not asked',
      ),
      row(
        'A GGUF file on the processor, without a GPU',
        'type `cpu`, `CPU_DEFAULT_MODEL`',
        'adapters/cpu: is answered by the model, with real token counts',
        'acceptance/presets: the GPU server fails, and the processor answers',
      ),
      row(
        '`auto` for the first and the second backend',
        '`PRIMARY_BACKEND=auto`, `SECONDARY_BACKEND=auto`',
        'config/presets: auto takes what is there, first the GPU, and the cloud only with consent',
        'config/file-backends: priority › auto takes what costs nothing',
      ),
    ],
    Modes: [
      row(
        'One backend alone',
        '`AUTO_FAILOVER=false`',
        'config/presets: without failing over the second is not used, and the report says why',
      ),
      row(
        'Failover from the first to the second',
        '`AUTO_FAILOVER=true`',
        'acceptance/presets: the GPU server fails, and the cloud answers, each for its own model',
      ),
      row(
        'Load by a ratio',
        "`LOAD_BALANCING`, `LOAD_RATIO`; `balance: 'weighted'`, `weight`",
        'acceptance/presets: both have their shares, and each takes over for the other',
        'config/presets: of 100 calls 70 go to the first and 30 to the second',
      ),
    ],
    'The JSON file': [
      row(
        '`priority`: first, second, failover, attempts, timeout, ratio',
        '`fromFile()`',
        'config/file-backends: the file of the multi-backend guide › loads as it stands, and is told that its key is none and that NVIDIA has no address',
        'config/file-backends: attempts are counted over all backends, and are those of one where there is no other',
        'config/file-backends: times are seconds',
      ),
      row(
        '`nvidia`: switched on, its settings of the server',
        '`fromFile()`, `metadata`',
        'config/file-backends: the file of the multi-backend guide › loads as it stands, and is told that its key is none and that NVIDIA has no address',
      ),
      row(
        '`together_ai`: key, models, timeout, retries',
        '`fromFile()`, `${TOGETHER_API_KEY}`',
        'config/file-backends: takes what it lacks from variables, and says so',
        'config/file: keys that are written out › are warned of, with the variable to use',
      ),
      row(
        '`cpu`: models, threads, context size',
        '`fromFile()`',
        'config/file-backends: the file of the multi-backend guide › loads as it stands, and is told that its key is none and that NVIDIA has no address',
        'config/file-backends: an encoder that is a GGUF file is a path',
      ),
    ],
    Scenarios: [
      row(
        'The GPU server, then the processor; the cloud is off',
        'preset `multi-backend`',
        'config/presets: multi-backend › GPU server, then the processor',
        'config/file-backends: backends-nvidia-cpu is nvidia=0 cpu=1',
        'acceptance/presets: the GPU server fails, and the processor answers',
      ),
      row(
        'The cloud, then the processor; no GPU',
        '`ENABLE_GPU_ACCELERATION=false`',
        'config/presets: multi-backend › cloud, then the processor',
        'config/file-backends: backends-together-cpu is together_ai=0 cpu=1',
        'acceptance/presets: the cloud fails, and the processor answers; the GPU server is not asked',
      ),
      row(
        'The GPU server, then the cloud',
        '`SECONDARY_BACKEND=together_ai`',
        'config/presets: multi-backend › GPU server, then the cloud',
        'config/file-backends: backends-nvidia-together is nvidia=0 together_ai=1',
        'acceptance/presets: the GPU server fails, and the cloud answers, each for its own model',
      ),
      row(
        '70 of 100 calls to the GPU server, 30 to the cloud',
        '`LOAD_RATIO=0.7`',
        'config/presets: multi-backend › both in shares',
        'config/presets: of 100 calls 70 go to the first and 30 to the second',
        'config/file-backends: the shared one gives seven of ten fast calls to NVIDIA, and a failed one goes to the other',
      ),
    ],
    Behaviour: [
      row(
        'Failover by itself',
        'event `failover`, `answer.route`',
        'router/failover: an answer of the next provider comes, and every event on the way, in order, with one request id',
      ),
      row(
        'A circuit breaker after several failures',
        '`breaker`',
        'router/breaker: three refused connections in a row › open the breaker for every model of the provider, for 30 s',
        'breaker/breaker: a quiet provider: the third failure in a row',
      ),
      row(
        'A health check that brings a backend back',
        '`health`',
        'router/health: tells of a provider that goes and comes, once each',
        'router/health-monitor: has its recovery tried at once when it is well again, and not closed by that alone',
      ),
      row(
        'Retries with growing pauses',
        '`maxAttempts`, `retry`',
        'breaker/cooldown: the pause before the same provider is tried again › is at most 250 ms, doubling to 4 s',
        'router/rests: without a word about when, it is asked again after a pause that grows',
      ),
      row(
        'A limit of time for every operation',
        '`timeouts`, `deadlineMs`, `health.timeoutMs`, `drainMs`',
        'router/limits: limits of a call stand above those of a provider, and those above the router’s',
        'router/limits: settles it to the millisecond, with every attempt that was made',
        'router/health: asks every provider side by side, and one that hangs is down after five seconds',
      ),
    ],
    Status: [
      row(
        'The status of both backends and their breakers, in the very JSON',
        'view `backend-status`, `GET /api/v1/backend/status`',
        'http/views: of the first and the second backend',
        'http/views: the status of backends',
      ),
    ],
    'The page for administrators': [
      row(
        'Sets the priorities',
        '`/admin`, `router.update()`',
        'http/admin-settings: a change reaches the router, is answered with the settings of now, and is told by its keys',
        'router/update: sends the next call to the new providers, and tells who came, went and changed',
        'router/update: an update that is invalid › and %s changes nothing',
      ),
      row(
        'Shows the settings of the GPU server',
        '`/admin`, `ProviderHealth.metadata`',
        'http/admin-settings: what only a server can act on is shown, and the options of a model on the processor can be set',
        'config/env-settings: %s sets what its row says, and is reported so',
      ),
      row(
        'Takes the key of the cloud',
        '`/admin`, `apiKey`, a text or a function',
        'http/admin-settings: of an address the origin is shown, the usual one where none is set, and of credentials whether they are there',
        'router/secrets: is asked for before each request',
      ),
      row(
        'Sets the options of the processor',
        '`/admin`, `threads`, `contextSize`, `modelPath`',
        'http/admin-settings: what only a server can act on is shown, and the options of a model on the processor can be set',
        'adapters/cpu-models: is run by no more threads than there are cores, at threads: %i',
      ),
      row(
        'Tests one backend',
        '`router.testProvider()`',
        'router/drill: asks the one that it names how it is, and for a short answer, and nobody else',
        'router/drill: says why one that is down does not answer, after one attempt',
      ),
      row(
        'Tests failing over',
        '`router.testFailover()`',
        'router/drill: tells for each provider who would answer without it, by trying it, one after the other',
      ),
    ],
    'Beside these': [
      beside(
        'Each variable that acts on the client',
        'the table of the [environment](environment.md)',
        'config/env-settings: %s sets what its row says, and is reported so',
        'config/env-settings: %s has an example that it takes',
      ),
      beside(
        'TensorRT, flash attention, transformer engine, FP8, GPTQ, AWQ, quantisation, memory share: only a server acts on them',
        '`metadata`, `examples/deploy`',
        'config/env-settings: what nothing acts upon is never an issue',
        'examples/deploy: explains every setting that only a server can act on, in full',
      ),
      beside(
        'An exhausted quota of the cloud is seen',
        'code `quota_exhausted`, event `provider:cooldown`',
        'router/rests: with an exhausted quota rests five minutes',
        'adapters/together: errors › %i %j is %s',
      ),
      beside(
        'A model of its own for each backend',
        '`models`, `defaultModel`',
        'router/gates: an alias becomes each provider’s own name',
        'acceptance/presets: the variables of the guide alone, which name no model of the GPU server: it is asked all the same',
      ),
      beside(
        'Backends that are unavailable, slow or not ready are told apart',
        '`router.health()`',
        'router/situations: %s',
        'http/views: tells why a backend is not available, and of one that is nothing of the past',
      ),
    ],
  },
};
