// A router as a provider of the AI SDK.
export { createInferlane, type InferlaneProvider } from './provider.ts';
export type { InferlaneDefaults, InferlaneEmbedOptions, InferlaneOptions } from './options.ts';

// A model of the AI SDK as a provider of a router.
export { aiSdkAdapter, type AiSdkAdapterOptions } from './adapter.ts';
