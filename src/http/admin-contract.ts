import type { Device, HealthSummary, IntentOptions, Plan, ProviderTest, FailoverTest, RouterSnapshot } from '../index.ts';

/**
 * What the admin page and its server say to each other, under `/admin/api/`. All of it needs the admin token in `Authorization`, and every
 * write the header `x-inferlane-admin: 1`.
 */

/** `GET state`: everything that the page shows, of one moment. */
export interface AdminState {
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly startedAtMs: number;
  readonly health: HealthSummary;
  readonly snapshot: RouterSnapshot;
  readonly settings: AdminSettings;
}

/** The configuration as it may be shown: of credentials only whether they are there. */
export interface AdminSettings {
  readonly balance: string;
  readonly defaultIntent: string;
  readonly maxAttempts: number;
  readonly deadlineMs: number;
  readonly allowPaid: boolean;
  readonly intents: Readonly<Record<string, IntentOptions>>;
  readonly providers: Readonly<Record<string, AdminProviderSettings>>;
}

export interface AdminProviderSettings {
  readonly type: string;
  /** Origin only. */
  readonly url: string | undefined;
  readonly device: Device | undefined;
  readonly enabled: boolean;
  readonly priority: number | undefined;
  readonly weight: number | undefined;
  readonly maxConcurrent: number | undefined;
  readonly defaultModel: string | undefined;
  readonly embeddingModel: string | undefined;
  /** `cpu` only. */
  readonly threads?: number | undefined;
  /** `cpu` and `ollama` only, in tokens. */
  readonly contextSize?: number | undefined;
  /** Written by `POST settings`, never read back. */
  readonly hasKey: boolean;
  /** What is known of the server and nothing acts upon. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

/**
 * `POST settings`: what is to be different; what is left out stays, and null takes a value back to its default. The answer is the new
 * `AdminSettings`. Types and addresses of providers cannot be changed over HTTP, and no provider can be added.
 */
export interface AdminSettingsPatch {
  readonly balance?: string | undefined;
  readonly defaultIntent?: string | undefined;
  readonly maxAttempts?: number | null | undefined;
  readonly deadlineMs?: number | null | undefined;
  readonly allowPaid?: boolean | undefined;
  readonly intents?: Readonly<Record<string, AdminIntentPatch>> | undefined;
  readonly providers?: Readonly<Record<string, AdminProviderPatch>> | undefined;
}

/** An intent that is not there yet is made. */
export type AdminIntentPatch = { readonly [Name in keyof IntentOptions]: IntentOptions[Name] | null };

export interface AdminProviderPatch {
  readonly enabled?: boolean | undefined;
  readonly device?: Device | null | undefined;
  readonly priority?: number | null | undefined;
  readonly weight?: number | null | undefined;
  readonly maxConcurrent?: number | null | undefined;
  readonly defaultModel?: string | null | undefined;
  readonly embeddingModel?: string | null | undefined;
  readonly threads?: number | null | undefined;
  readonly contextSize?: number | null | undefined;
  /** A new credential in the place of whatever there was, headers and the address included; or null for none. */
  readonly apiKey?: string | null | undefined;
}

/** `GET events`: a server-sent stream; each frame's data is one of these. A comment comes every 15 s where nothing happens. */
export interface AdminEvent {
  /** From 1 on for each reader. Grows by one; a gap means that the reader was too slow for some. */
  readonly id: number;
  readonly atMs: number;
  /** The name of the router's event. */
  readonly name: string;
  /** Its payload, safe as all of them are; errors as `{ code, message }`. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** `POST test-provider` and `POST close-circuit`, and `POST unpin`, whose fields may all be left out. */
export interface AdminTarget {
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
}

export type AdminTestedProvider = ProviderTest;

/** `POST test-failover`, whose body is `{}`. */
export interface AdminTestedFailover {
  readonly tests: readonly FailoverTest[];
}

/** `POST unpin`, `POST close-circuit`: how many there were. */
export interface AdminCount {
  readonly count: number;
}

/** `POST playground`: a server-sent stream of frames. */
export interface AdminPlaygroundAsk {
  readonly prompt: string;
  readonly model?: string | undefined;
  readonly intent?: string | undefined;
  readonly provider?: string | undefined;
  readonly maxTokens?: number | undefined;
}

/** The plan, texts, then the route in words where somebody began to answer, and the error where there was one. */
export type AdminPlaygroundFrame =
  | { readonly type: 'plan'; readonly plan: Plan }
  | { readonly type: 'text' | 'route'; readonly text: string }
  | { readonly type: 'error'; readonly code: string; readonly message: string };
