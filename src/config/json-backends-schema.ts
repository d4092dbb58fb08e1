import * as z from 'zod/mini';
import { maxTimerMs } from '../lib/clock.ts';
import { once } from '../lib/once.ts';
import type { Findings } from './findings.ts';
import { refuseIssues } from './schema-issues.ts';
import { flag, number, oneOf, share, strict, type Takes, text, whole } from './schema-parts.ts';
import { usualRatio } from './share-calls.ts';

/** The backends that this format knows, in the order in which `auto` takes them. */
export type Backend = 'nvidia' | 'cpu' | 'together_ai';

export const backends: readonly Backend[] = Object.freeze(['nvidia', 'cpu', 'together_ai'] as const);

const longestS = Math.floor(maxTimerMs / 1_000);
const seconds = (): Takes<number> =>
  number(`a number of seconds above 0 and at most ${longestS}`, (value) => value > 0 && value <= longestS);
const fraction = (): Takes<number> => number('a fraction from 0 to 1, like 0.8 for 80 %', (value) => value >= 0 && value <= 1);
const choice = (): Takes<Backend | 'auto'> => oneOf(['nvidia', 'together_ai', 'cpu', 'auto']);

const document = once(() =>
  strict({
    priority: z.prefault(
      strict({
        primary: z._default(choice(), 'auto'),
        secondary: z._default(choice(), 'auto'),
        auto_failover: z._default(flag(), true),
        failover_attempts: z.optional(whole(1, 100)),
        failover_timeout: z.optional(seconds()),
        load_balancing: z._default(flag(), false),
        load_ratio: z._default(fraction(), usualRatio),
      }),
      {},
    ),
    nvidia: z.optional(
      strict({
        enabled: z._default(flag(), true),
        enable_tensorrt: z.optional(flag()),
        enable_flash_attention: z.optional(flag()),
        enable_transformer_engine: z.optional(flag()),
        enable_fp8: z.optional(flag()),
        enable_gptq: z.optional(flag()),
        enable_awq: z.optional(flag()),
        default_quant_method: z.optional(text()),
        quantization_bit_width: z.optional(whole(1, 64)),
        cuda_memory_fraction: z.optional(share()),
        multi_gpu_strategy: z.optional(text()),
      }),
    ),
    together_ai: z.optional(
      strict({
        enabled: z._default(flag(), true),
        api_key: z.optional(z.string('must be text')),
        default_model: z.optional(text()),
        default_embedding_model: z.optional(text()),
        timeout: z.optional(seconds()),
        max_retries: z.optional(whole(0, 100)),
      }),
    ),
    cpu: z.optional(
      strict({
        enabled: z._default(flag(), true),
        default_model: z.optional(text()),
        default_embedding_model: z.optional(text()),
        num_threads: z.optional(whole(0, 1_024)),
        context_size: z.optional(whole(1, 100_000_000)),
      }),
    ),
  }),
);

/** What such a file says, with the values that it stands for where it says nothing. */
export interface BackendsFile {
  readonly priority: {
    readonly primary: Backend | 'auto';
    readonly secondary: Backend | 'auto';
    readonly auto_failover: boolean;
    readonly failover_attempts?: number | undefined;
    readonly failover_timeout?: number | undefined;
    readonly load_balancing: boolean;
    readonly load_ratio: number;
  };
  readonly nvidia?: Section<'default_quant_method' | 'multi_gpu_strategy', 'quantization_bit_width' | 'cuda_memory_fraction'> | undefined;
  readonly together_ai?: Section<'api_key' | 'default_model' | 'default_embedding_model', 'timeout' | 'max_retries'> | undefined;
  readonly cpu?: Section<'default_model' | 'default_embedding_model', 'num_threads' | 'context_size'> | undefined;
}

/** A backend's own part, by the names of what is text in it and what is a number. */
type Section<Text extends string, Figure extends string> = { readonly enabled: boolean } & {
  readonly [Name in Text]?: string | undefined;
} & {
  readonly [Name in Figure]?: number | undefined;
};

/** A file of this format tells itself by its names; one with `providers` is of our own. */
export function isBackendsFile(value: Readonly<Record<string, unknown>>): boolean {
  return !('providers' in value) && ['priority', ...backends].some((name) => name in value);
}

/** Undefined where something is refused, each with what stands at its place. */
export function readBackendsFile(value: unknown, findings: Findings): BackendsFile | undefined {
  const result = document().safeParse(value);
  if (result.success) return result.data;
  refuseIssues(result.error.issues, findings);
  return undefined;
}
