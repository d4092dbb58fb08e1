import type { Candidate } from './candidate.ts';

/** All ratios are to this one. */
export const base = 'fetch';
export const gatewayCandidate = 'portkey';

/** By the name that the tables have, in their order. Nothing of a candidate is loaded before it is called. */
export const candidates: Readonly<Record<string, () => Promise<Candidate>>> = {
  socket: async () => (await import('./socket.ts')).socket(),
  'node:http': async () => (await import('./node-http.ts')).nodeHttp(),
  'undici dispatch': async () => (await import('./undici.ts')).undiciDispatch(),
  'undici request': async () => (await import('./undici.ts')).undiciRequest(),
  [base]: async () => (await import('./fetch.ts')).bareFetch(),
  'fetch, base64': async () => (await import('./fetch.ts')).fetchAsBase64(),
  ofetch: async () => (await import('./ofetch.ts')).bareOfetch(),
  openai: async () => (await import('./openai.ts')).openAi(),
  langchain: async () => (await import('./openai.ts')).langChain(),
  'langchain withFallbacks': async () => (await import('./openai.ts')).langChainFallbacks(),
  'ai-sdk': async () => (await import('./ai-sdk.ts')).aiSdk(),
  'ai-fallback': async () => (await import('./ai-sdk.ts')).aiFallback(),
  tanstack: async () => (await import('./tanstack.ts')).tanStack(),
  [gatewayCandidate]: async () => (await import('./fetch.ts')).portkey(),
  'inferlane ofetch': async () => (await import('./inferlane.ts')).inferlaneOfetch(),
  'inferlane ofetch (3 providers)': async () => (await import('./inferlane.ts')).inferlaneOfetchThree(),
  'inferlane node-http': async () => (await import('./inferlane.ts')).inferlaneNodeHttp(),
  'inferlane node-http (3 providers)': async () => (await import('./inferlane.ts')).inferlaneNodeHttpThree(),
  'inferlane undici': async () => (await import('./inferlane.ts')).inferlaneUndici(),
};
