/** What a description takes for granted and is no longer there. */
export interface GoneDefault {
  readonly what: string;
  readonly here: string;
  readonly tests: readonly string[];
}

export const goneDefaults: readonly GoneDefault[] = [
  gone(
    '`claude-3-5-haiku-20241022`',
    'Was retired on 2026-02-19; the preset keeps the name, and a warning says so.',
    'router/model-check: a model that is known to be gone is told with what became of it',
    'config/presets: presets use what they list, and say which of their models are gone',
  ),
  gone(
    'The hub’s first host for inference, and `distilgpt2` there',
    'The address is `router.huggingface.co`; the model is told as gone.',
    'config/resolve: of a provider of type %s',
    'config/presets: presets use what they list, and say which of their models are gone',
  ),
  gone(
    '`togethercomputer/m2-bert-80M-8k-retrieval`',
    'Told as gone since June 2025.',
    'config/presets: presets use what they list, and say which of their models are gone',
  ),
  gone(
    '`meta-llama/Llama-2-70b-chat-hf` at Together',
    'Compared with the list of the server at the start.',
    'router/model-check: a default model that the provider does not list is told, with its place',
  ),
  gone(
    'A tunnel that answers programs with a page',
    'Every request to such a tunnel says that no browser asks.',
    'lib/tunnel: the warning page of the tunnel is skipped at %s',
    'acceptance/presets: complex goes to the remote GPU, and its tunnel is told that no browser asks',
  ),
  gone('TGI, which is only maintained', 'Type `tgi` speaks its last protocol.', 'adapters/tgi: *'),
  gone(
    '`/api/embeddings` of Ollama',
    '`/api/embed`, one request for a list.',
    'adapters/ollama: go out as one list and come back in its order, with the usage that the server counted',
  ),
  gone('The first image of llama.cpp’s server', 'The image of today, pinned.', 'examples/deploy: pin every image whose releases have tags'),
];

function gone(what: string, here: string, ...tests: readonly string[]): GoneDefault {
  return { what, here, tests };
}
