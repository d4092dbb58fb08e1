/** Where the descriptions contradict each other, and what holds here. */
export interface Contradiction {
  readonly topic: string;
  readonly here: string;
  readonly tests: readonly string[];
}

export const contradictions: readonly Contradiction[] = [
  settled(
    'When a breaker opens',
    "Three failures in a row, or the share of failures of a busy provider; 30 s, doubling to 5 min, with jitter and one probe. `breaker: 'classic'` is three and five minutes to the letter.",
    'breaker/breaker: a quiet provider: the third failure in a row',
    'breaker/breaker: 30 s, doubling with each failed probe, 5 minutes at most',
    'breaker/breaker: classic: three in a row, whatever came before, 5 minutes each time',
  ),
  settled(
    'When health is asked',
    "Beside the calls, now and then; before each call with `health: { mode: 'per-request' }`.",
    'acceptance/presets: health is asked before each decision, so a server that is down costs no attempt',
    'router/health-monitor: one that is well is asked once a minute',
    'router/health-monitor: one that is %s is asked every ten seconds',
  ),
  settled(
    'How health is asked',
    'By each type’s own cheap route, never by a paid answer.',
    'adapters/ollama: health is the version',
    'adapters/vllm: health › tells the version',
    'adapters/llamacpp: is warming while the model loads, over the real network layer',
    'adapters/textgen: health › is ok with a model',
    'adapters/anthropic: health › asks for one model and nothing paid',
  ),
  settled(
    'How our own health is shown',
    'One snapshot, `router.health()`, and a view of it for each system.',
    "http/views: the documents' own samples",
    'http/views: every view',
  ),
  settled(
    'Words for a status',
    'One set of words, put into those of each view.',
    'http/views: uses only the words of its document',
    'router/situations: health tells them apart as well',
  ),
  settled(
    'Timeouts',
    'A limit for each phase and one for the call. `LLM_TIMEOUT_SECONDS` is that of the first token, the others are those of an attempt.',
    'config/presets: free-first › the options of the whole',
    'config/presets: a call lasts as long as the limits of its attempts together',
  ),
  settled(
    'Retries',
    'Three attempts in a call, over all providers, with jitter.',
    'router/failover: at most three attempts are made, over all providers',
    'breaker/cooldown: is spread over the whole of it',
  ),
  settled(
    'Who goes first',
    'The order of the preset; an intent orders within it.',
    'config/presets: free-first › full stack',
    'config/presets: hybrid › fast goes to the GPU first, heavy to the CPU first',
  ),
  settled(
    'Heavy work',
    '`heavy` means the processor first; `complex` the remote GPU first.',
    'router/gates: fast goes to the gpu first, heavy to the cpu',
    'config/presets: complex goes to the remote GPU first, and as usual from there',
  ),
  settled(
    'The end of the chain',
    'An error; a stub only where one is configured, and its answer says so.',
    'router/failover: the error of a call that all failed lists every attempt with its own words',
    'acceptance/presets: local only is what this machine has, then the stub',
  ),
  settled(
    'Error or flag',
    '`chat()` rejects, `tryChat()` gives a flag.',
    'messages: nobody may answer',
    'router/try-chat: tryChat() gives the answer, its text and who gave it',
    'router/try-chat: tryChat() gives the error in the place of an answer, and who failed where it was one',
  ),
  settled(
    'Paying',
    'Naming a paid provider first or in a chain is consent for it; else `ENABLE_PAID_API=true` is needed.',
    'config/env: paying',
    'acceptance/presets: free-first › nobody is paid when all of them are gone',
  ),
  settled(
    'Failing over, on or off',
    'On; either variable turns it off.',
    'config/env-settings: false in one of the two switches of failing over counts',
  ),
  settled(
    'Several names for one thing',
    'One table, a stated precedence, a report, an error where two values differ.',
    'config/env-settings: several names for one thing',
    'config/env: the report › has a row for each variable that is set, and says why one was not used',
  ),
  settled(
    'Names of backends',
    'The ids of each system, and other names for them in lists; the GPU server’s address is a variable.',
    'config/env-settings: PROVIDER_ORDER',
    'config/env-settings: who is there › %s says that its provider is there',
  ),
  settled(
    'Hosts and ports',
    'Each type has its own, on 127.0.0.1; two providers on one address are a warning.',
    'config/resolve: of a provider of type %s',
    'config/resolve: two providers on one address',
  ),
  settled(
    'Three forms of a generate route',
    'Three dialects of one type, asked for or declared.',
    'adapters/remote-gpu-auto: is asked once, and spoken to as %s',
    'adapters/remote-gpu: a proxy in front of TGI servers',
  ),
  settled(
    'Sampling',
    'Nothing is sent that was not set.',
    'adapters/ollama: holds nothing that was not asked for, but the wish not to lose messages',
    'adapters/remote-gpu: gets its own field names, and nothing that was not set',
  ),
  settled(
    'Default models',
    'Presets keep the names; a check at the start tells which of them are gone.',
    'router/model-check: a model that is known to be gone is told with what became of it',
    'config/presets: presets use what they list, and say which of their models are gone',
  ),
  settled(
    'The ratio',
    'Weights for any number; the ratio is short for two; a share fails over all the same.',
    'router/balance: weighted',
    'acceptance/presets: both have their shares, and each takes over for the other',
  ),
  settled(
    'What goes before what',
    'Gates, pins, the order of the intent, shares among equals, affinity as a bonus.',
    'routing/plan: *',
    'routing/intents: each step decides before those below it',
  ),
  settled(
    'State of several processes',
    'Each process has its own; a store lets them share what they conclude, and never holds up a call that somebody can answer.',
    'router/sessions: stays there for every verb and in every process',
    'router/sharing: when it is %s from the beginning, calls go as they would without it',
  ),
];

function settled(topic: string, here: string, ...tests: readonly string[]): Contradiction {
  return { topic, here, tests };
}
