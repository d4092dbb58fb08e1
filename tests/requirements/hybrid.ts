import { beside, row, type SystemTable } from './row.ts';

/** Two servers of Ollama on one machine: one on the GPU, one on the processor. */
export const hybrid: SystemTable = {
  system: 'hybrid',
  topics: {
    Backends: [
      row(
        'Ollama on the GPU, port 11434, restarted by a unit',
        '`OLLAMA_GPU_URL`, `examples/deploy/systemd/ollama-gpu@.service`',
        'config/presets: hybrid › both servers are taken for granted at their usual ports',
        'examples/deploy: start again whatever ended them, and survive the end of a process that held a model',
        'examples/deploy: listen on two ports of this machine',
      ),
      row(
        'Ollama on the processor, port 11435, restarted by a unit',
        '`OLLAMA_CPU_URL`, `examples/deploy/systemd/ollama-cpu@.service`',
        'config/presets: hybrid › both servers are taken for granted at their usual ports',
        'examples/deploy: hide GPUs of every maker from the CPU lane, and none from the GPU lane',
      ),
    ],
    Intents: [
      row(
        '`fast`, which is the usual one: GPU, then processor; learns who has a model',
        'intent `fast`',
        'acceptance/presets: fast goes to the GPU, heavy to the CPU, and each to the other one where that is gone',
        'router/sessions: is learned by fast calls, and neither learned nor asked for by heavy ones',
      ),
      row(
        '`heavy`: processor, then GPU, always in that order',
        'intent `heavy`',
        'acceptance/presets: fast goes to the GPU, heavy to the CPU, and each to the other one where that is gone',
        'router/gates: fast goes to the gpu first, heavy to the cpu',
      ),
    ],
    Features: [
      row(
        'Health is asked before each decision',
        "`health: { mode: 'per-request' }`",
        'acceptance/presets: health is asked before each decision, so a server that is down costs no attempt',
        'router/health-per-request: lets an answer stand for a second, also for calls side by side',
        'router/health-per-request: sees at once that a provider goes, and at once that it is back',
      ),
      row(
        'Whoever served a model is preferred for it',
        'affinity',
        'router/sessions: the provider that served a model last',
        'routing/affinity: is forgotten after half an hour',
      ),
      row(
        'A model that outgrows the memory of the GPU goes to the processor from then on',
        'pins, `pinMs`, `router.unpin()`',
        'acceptance/presets: a model that outgrows the GPU’s memory is answered by the CPU, and stays there; other models go to the GPU',
        'router/pins: the pin ends after half an hour, the model is tried again, and success takes the pin away',
      ),
      row(
        'Where the first one fails, the other answers',
        'event `failover`',
        'acceptance/presets: fast goes to the GPU, heavy to the CPU, and each to the other one where that is gone',
      ),
      row(
        'Where the first one lacks the model, the other answers',
        'code `model_not_found`',
        'router/failover: a model that was said to be missing is not asked for again for a minute',
        'lib/classify: order › a name in a client error is no driver fault',
      ),
      row(
        'Both serve at once',
        '`maxConcurrent`',
        'router/queue: a free one is taken instead of a place in a queue, and the call (%s) does not wait',
      ),
      row(
        'Every decision can be read',
        'events, `answer.route`, `router.explain()`',
        'router/events: events of one call come in one order: start, attempts without gaps, end',
        'router/explain: says who will be asked, in order',
      ),
      row(
        'Memory and limits of models decide as well',
        '`model:spilled`, `maxModelBillions`, context windows',
        'router/memory: and less than half of which is inside counts as one on the processor: fast calls prefer another gpu, heavy ones like it',
        'router/monitor: of its context window keeps out prompts that surely do not fit',
      ),
    ],
    Functions: [
      row(
        'A chat by model, messages, tools and intent',
        '`router.chat({ model, messages, tools }, { intent })`',
        'acceptance/switchable-defects: tools, the form of the answer and what else is asked arrive',
        'acceptance/presets: fast goes to the GPU, heavy to the CPU, and each to the other one where that is gone',
      ),
      row(
        'One router for the program',
        '`createRouter()`',
        'config/env: fromEnv › gives plain options that createRouter() takes, with the report beside them',
      ),
      row('A health check of both', '`router.health()`', 'http/views: of the GPU and the CPU server, and of their models'),
      row(
        'The models of each',
        '`router.models()`',
        'acceptance/presets: health and inventory tell each endpoint apart',
        'http/views: of the GPU and the CPU server, and of their models',
      ),
      row(
        'Who would be first and who second for a model',
        '`router.explain()`',
        'config/presets: hybrid › fast goes to the GPU first, heavy to the CPU first',
        'router/explain: says who will be asked, in order',
      ),
      row(
        'A command that checks, and one that lists models',
        '`inferlane check --view pair-check`, `inferlane models`',
        'cli/check: check › gives it in the words of another system, with the same exit code',
        'cli/check: lists who serves what, aliases first, and who gave no list',
      ),
      row('A route for a chat', '`POST /chat`, `router.chat()`', 'http/prompt-routes: POST /chat'),
    ],
    Variables: [
      row('Where the server on the GPU is', '`OLLAMA_GPU_URL`', 'config/env: a GPU and a CPU lane of Ollama'),
      row(
        'Where the server on the processor is',
        '`OLLAMA_CPU_URL`',
        'config/env: a GPU and a CPU lane of Ollama',
        'config/env: a lane under two names is one provider',
      ),
      row(
        'Vulkan, visible devices, loaded models, idle time, parallel requests',
        '`metadata`; `OLLAMA_KEEP_ALIVE`, `OLLAMA_NUM_PARALLEL` act here',
        'config/presets: hybrid › the options of the whole',
        'config/env: is what every server of Ollama serves at once',
        'examples/deploy: give each lane its own of the two values that cannot stand in one place',
      ),
    ],
    'Words of errors': [
      row(
        'A want of memory',
        'code `out_of_memory`',
        'acceptance/presets: memory that has run out is known by its words: %s',
        'router/memory: every kind of server has words for a want of memory',
        'lib/classify: order › out of memory before the driver',
      ),
      row(
        'The network',
        'codes `unavailable`, `timeout`',
        'acceptance/presets: the CPU answers where the GPU says "%s", which is %s, and nothing is pinned',
        'lib/classify-fault: faults of the platform',
        'router/network: a server that is not there',
      ),
      row(
        'The model',
        'code `model_not_found`',
        'acceptance/presets: the CPU answers where the GPU says "%s", which is %s, and nothing is pinned',
        'lib/classify: order › out of memory before a missing model',
        'lib/classify: $backend: $trigger ($status) is $expected',
      ),
      row(
        'The driver, by whole words',
        'code `driver`',
        'acceptance/presets: the CPU answers where the GPU says "%s", which is %s, and nothing is pinned',
        'lib/classify: order › a name in a client error is no driver fault',
        'lib/classify: order › a name in a server error is',
      ),
    ],
    'Beside these': [
      beside(
        'Status, version, address and whether it is a GPU, of each',
        'view `pair-check`',
        'http/views: of the GPU and the CPU server, and of their models',
      ),
      beside(
        'Tools in Ollama’s own form, and streams',
        'type `ollama`',
        'adapters/ollama: sends tools as they are, and none where none may be called',
        'adapters/ollama-stream: asks for a stream and gives chunks of OpenAI',
      ),
      beside(
        'Small models for the GPU, middling ones for the processor',
        '`models`, `maxModelBillions`',
        'routing/model-size: %s has %d billion parameters',
      ),
    ],
  },
};
