import { fakeBackend, type ListeningBackend, models, outOfMemory, status } from '../../src/testing/index.ts';

/** The played GPU: an Ollama that lists a model and has no memory for it, in Ollama's own words. */
export function startGpu(): Promise<ListeningBackend> {
  return fakeBackend('ollama', [models(['tiny:8b']), outOfMemory()]).listen();
}

/** The played cloud. It costs money and nobody agreed to that, so it must never be asked for an answer. */
export function startCloud(): Promise<ListeningBackend> {
  return fakeBackend('openai-compatible', [models(['tiny-large']), status(402)]).listen();
}
