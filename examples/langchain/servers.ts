import { ChatOpenAI } from '@langchain/openai';
import { createRouter, type Router } from 'inferlane';
import { fakeBackend, type ListeningBackend, outOfMemory, type Script } from 'inferlane/testing';

export interface Servers extends AsyncDisposable {
  readonly gpu: ListeningBackend;
  readonly router: Router;
  /** LangChain's model for OpenAI, whose requests go to the router in this process. */
  readonly model: ChatOpenAI;
}

/** A GPU that is full, and a CPU that answers by the script. */
export async function servers(script: Script): Promise<Servers> {
  const gpu = await fakeBackend('ollama', outOfMemory()).listen();
  const cpu = await fakeBackend('ollama', script).listen();
  const router = createRouter({
    providers: { gpu: { type: 'ollama', url: gpu.url, device: 'gpu' }, cpu: { type: 'ollama', url: cpu.url, device: 'cpu' } },
  });
  // `apiKey` is asked for and sent to nobody.
  const model = new ChatOpenAI({ model: 'llama3.1', apiKey: 'unused', maxRetries: 0, configuration: { fetch: router.fetch } });
  const close = async (): Promise<void> => void (await Promise.all([router.close(), gpu.close(), cpu.close()]));
  return { gpu, router, model, [Symbol.asyncDispose]: close };
}
