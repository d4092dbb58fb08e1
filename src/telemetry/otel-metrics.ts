import type { Attributes, Meter } from '@opentelemetry/api';
import type { EmbedUsage, Usage } from '../index.ts';

/** Every attribute of them has a bounded set of values: no request, no session, no caller. */
export interface Instruments {
  duration(seconds: number, attributes: Attributes): void;
  firstChunk(seconds: number, attributes: Attributes): void;
  outputChunk(seconds: number, attributes: Attributes): void;
  /** What the server reported; nothing where it reported nothing. */
  tokens(usage: Usage | EmbedUsage | undefined, attributes: Attributes): void;
  attempt(attributes: Attributes): void;
  failover(attributes: Attributes): void;
  /** What a model is called in metrics: those that came first by their names, all others by one. */
  modelLabel(model: string | undefined): string | undefined;
}

/** As the conventions advise: powers of 2 times 10 ms, and powers of 4. */
const secondBounds = Array.from({ length: 14 }, (_, power) => 2 ** power / 100);
const tokenBounds = Array.from({ length: 14 }, (_, power) => 4 ** power);

/** Distinct names of models: callers of a server may send what they like, and each value is a time series. */
const mostModels = 100;

export function createInstruments(meter: Meter): Instruments {
  const seconds = (name: string, description: string): ((value: number, attributes: Attributes) => void) => {
    const histogram = meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries: secondBounds } });
    return (value, attributes) => histogram.record(value, attributes);
  };
  const tokens = meter.createHistogram('gen_ai.client.token.usage', {
    description: 'Number of input and output tokens used.',
    unit: '{token}',
    advice: { explicitBucketBoundaries: tokenBounds },
  });
  const attempts = meter.createCounter('inferlane.attempts', { description: 'Calls to providers, ended.', unit: '{attempt}' });
  const failovers = meter.createCounter('inferlane.failovers', {
    description: 'Calls that moved to another provider.',
    unit: '{failover}',
  });
  const models = new Set<string>();
  return {
    duration: seconds('gen_ai.client.operation.duration', 'Duration of a call, with all its attempts.'),
    firstChunk: seconds('gen_ai.client.operation.time_to_first_chunk', 'Time until a stream had its first content.'),
    outputChunk: seconds('gen_ai.client.operation.time_per_output_chunk', 'Time from one chunk of a stream to the next.'),
    tokens(usage, attributes) {
      if (usage === undefined) return;
      tokens.record(usage.prompt_tokens, { ...attributes, 'gen_ai.token.type': 'input' });
      if ('completion_tokens' in usage) tokens.record(usage.completion_tokens, { ...attributes, 'gen_ai.token.type': 'output' });
    },
    attempt: (attributes) => attempts.add(1, attributes),
    failover: (attributes) => failovers.add(1, attributes),
    modelLabel(model) {
      if (model === undefined || models.has(model)) return model;
      if (models.size >= mostModels) return '_OTHER';
      models.add(model);
      return model;
    },
  };
}
