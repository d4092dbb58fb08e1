/** A mistake that an implementation of the switchable system made, and the tests that keep it out of this one. */
export interface Defect {
  readonly what: string;
  readonly instead: string;
  readonly tests: readonly string[];
}

/** In the order of the list that was made of them. */
export const defects: readonly Defect[] = [
  defect(
    'One address for all local servers',
    'The address is that of the first provider; the others have their own.',
    'config/env-defects: 1: one address for all local servers: it belongs to the first alone',
  ),
  defect(
    'One name of a model for all providers',
    'Each is asked for its own model.',
    'config/env-defects: 2: one name of a model for all providers: each is asked for its own',
  ),
  defect(
    'The model `default` is passed on',
    'It means the own model of each provider, for chats and for embeddings.',
    'config/env-defects: 3: the model "default" is passed on as a name: it means the own model of each provider',
    'acceptance/switchable-defects: 3: the model "default" leaves out who has no name for a model: a server that has one model is asked for that',
    'acceptance/switchable-defects: 3: the model "default" is passed on as a name, with texts to embed as well',
  ),
  defect(
    'Embeddings fall over into another vector space',
    'The answer is vectors of the same space or an error.',
    'acceptance/switchable-defects: 4: embeddings fall over into another vector space',
  ),
  defect(
    'Whatever fails falls back',
    'What the caller can mend goes to the caller; a refused key is told, and the next provider, which has another key, is asked.',
    'acceptance/switchable-defects: 5: whatever fails falls back',
  ),
  defect(
    'The first provider is tried twice',
    'It is tried once, and a warning says so.',
    'config/env-defects: 6: a chain that names the first provider has it tried twice: it is tried once, and that is said',
  ),
  defect(
    'A mistake in the code of a provider spends money elsewhere',
    'It reaches the caller as it is.',
    'acceptance/switchable-defects: 7: a mistake in the code of a provider counts as its failure and spends money',
  ),
  defect(
    'Ollama loses tools, forms of answers, calls and thoughts',
    'They arrive, and come back.',
    'acceptance/switchable-defects: 8: Ollama loses what was asked and what was answered',
  ),
  defect(
    'A stream is read as one answer',
    'It is read piece by piece.',
    'acceptance/switchable-defects: 9: a stream is read as one answer: %s streams as %s',
  ),
  defect(
    'The finish reason is that it is done',
    'It is the server’s reason.',
    'acceptance/switchable-defects: 10: the finish reason is that of the server, not that it is done (%s)',
  ),
  defect(
    'The usage of embeddings is a count of words',
    'It is the server’s count.',
    'acceptance/switchable-defects: 11: the usage of embeddings is what the server counted, not the words of the texts',
  ),
  defect(
    'Variables of health and of the model are never read',
    'They are read.',
    'config/env-defects: 12: variables of health and of the model that nothing reads: they are read',
  ),
  defect(
    'Health is asked twice for one status',
    'It is asked once.',
    'acceptance/switchable-defects: 13: a status asks every provider for its health once, and for its list of models once',
  ),
  defect(
    'Two of five providers are skipped in silence',
    'All five are known, and other names are refused.',
    'config/env-defects: 14: three of five providers are known, and the others are skipped in silence: all five are known, and no other name is taken',
  ),
  defect(
    'A missing key of the first provider keeps all from starting',
    'It is switched off with a warning, and the others serve.',
    'config/env-defects: 15: a first provider without its key keeps all from starting: it is switched off, and the others serve',
  ),
  defect(
    'A local server with a key is called a cloud',
    'A key changes nothing of what it is.',
    'config/env-defects: 16: a server of vLLM with a key is called a cloud: a key changes neither what it is nor what it costs',
  ),
  defect(
    'A fixed list of models hides an outage',
    'There is no list where none was given, and the outage is told.',
    'acceptance/switchable-defects: 17: a fixed list of models hides an outage',
  ),
];

function defect(what: string, instead: string, ...tests: readonly string[]): Defect {
  return { what, instead, tests };
}
