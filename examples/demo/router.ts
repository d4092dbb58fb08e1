import { createRouter, type Router } from '../../src/index.ts';
import type { Stage } from './stage.ts';

/** Four providers, and what each of them calls the models. */
export function createDemoRouter({ gpuUrl, cpuBox, cloudUrl, files }: Stage): Router {
  return createRouter({
    providers: {
      gpu: { type: 'ollama', url: gpuUrl },
      'cpu-box': { type: 'ollama', url: cpuBox.url, device: 'cpu' },
      cpu: { type: 'cpu', modelPath: files.chat, embeddingModelPath: files.encoder },
      cloud: { type: 'openai-compatible', url: cloudUrl, device: 'cloud', cost: 'paid' },
    },
    models: {
      tiny: { gpu: 'tiny:8b', cpu: 'tiny', cloud: 'tiny-large' },
      'tiny-batch': { 'cpu-box': 'tiny', cpu: 'tiny', gpu: 'tiny:8b' },
      'tiny-bert': { cpu: 'tiny-bert' },
    },
  });
}
