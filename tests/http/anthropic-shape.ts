import type Anthropic from '@anthropic-ai/sdk';
import * as z from 'zod';

// The shapes of Anthropic's API, as strict as they can be. There is no public document of the API but the types of its own client, so the
// compiler holds each of these to the type of the same name: a field that is missing here, or is not what it is there, is its error.

const count = z.int().min(0);
const maybe = <Type>(type: z.ZodType<Type>): z.ZodType<Type | null> => type.nullable();

const usage: z.ZodType<Anthropic.Usage> = z.strictObject({
  cache_creation: z.null(),
  cache_creation_input_tokens: maybe(count),
  cache_read_input_tokens: maybe(count),
  inference_geo: z.null(),
  input_tokens: count,
  output_tokens: count,
  output_tokens_details: maybe(z.strictObject({ thinking_tokens: count })),
  server_tool_use: z.null(),
  service_tier: z.null(),
  speed: z.null(),
});

const deltaUsage: z.ZodType<Anthropic.MessageDeltaUsage> = z.strictObject({
  cache_creation_input_tokens: maybe(count),
  cache_read_input_tokens: maybe(count),
  input_tokens: maybe(count),
  output_tokens: count,
  output_tokens_details: maybe(z.strictObject({ thinking_tokens: count })),
  server_tool_use: z.null(),
});

const block: z.ZodType<Anthropic.TextBlock | Anthropic.ThinkingBlock | Anthropic.RedactedThinkingBlock | Anthropic.ToolUseBlock> =
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('text'), text: z.string(), citations: z.null() }),
    z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
    z.strictObject({ type: z.literal('redacted_thinking'), data: z.string().min(1) }),
    z.strictObject({
      type: z.literal('tool_use'),
      id: z.string().min(1),
      name: z.string().min(1),
      input: z.record(z.string(), z.unknown()),
      caller: z.strictObject({ type: z.literal('direct') }),
    }),
  ]);

const stopReason = z.enum([
  'end_turn',
  'max_tokens',
  'stop_sequence',
  'tool_use',
  'pause_turn',
  'refusal',
  'model_context_window_exceeded',
]);

const stopDetails = maybe(z.strictObject({ type: z.literal('refusal'), category: z.null(), explanation: maybe(z.string()) }));

const head = {
  id: z.string().min(1),
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string(),
  container: z.null(),
  diagnostics: z.null(),
  stop_sequence: z.null(),
  usage,
};

export const messageShape: z.ZodType<Anthropic.Message> = z.strictObject({
  ...head,
  content: z.array(block),
  stop_reason: stopReason,
  stop_details: stopDetails,
});

const begunShape: z.ZodType<Anthropic.Message> = z.strictObject({
  ...head,
  content: z.array(block).max(0),
  stop_reason: z.null(),
  stop_details: z.null(),
});

const delta: z.ZodType<Exclude<Anthropic.RawContentBlockDelta, Anthropic.CitationsDelta>> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text_delta'), text: z.string().min(1) }),
  z.strictObject({ type: z.literal('thinking_delta'), thinking: z.string().min(1) }),
  z.strictObject({ type: z.literal('signature_delta'), signature: z.string().min(1) }),
  z.strictObject({ type: z.literal('input_json_delta'), partial_json: z.string().min(1) }),
]);

const errorTypes = [
  'invalid_request_error',
  'authentication_error',
  'billing_error',
  'permission_error',
  'not_found_error',
  'rate_limit_error',
  'timeout_error',
  'api_error',
  'overloaded_error',
] as const;

const error = { type: z.literal('error'), request_id: z.string().min(1) };

/** Beyond the types of the client, the documentation of errors knows `request_too_large`. */
export const errorShape: z.ZodType<{ type: 'error'; request_id: string; error: { type: string; message: string } }> = z.strictObject({
  ...error,
  error: z.strictObject({ type: z.enum([...errorTypes, 'request_too_large']), message: z.string().min(1) }),
});

const errorEvent: z.ZodType<Anthropic.ErrorResponse & { request_id: string }> = z.strictObject({
  ...error,
  error: z.strictObject({ type: z.enum(errorTypes), message: z.string().min(1) }) as z.ZodType<Anthropic.ErrorObject>,
});

type Known =
  | Anthropic.RawMessageStartEvent
  | Anthropic.RawContentBlockStartEvent
  | Anthropic.RawContentBlockDeltaEvent
  | Anthropic.RawContentBlockStopEvent
  | Anthropic.RawMessageDeltaEvent
  | Anthropic.RawMessageStopEvent;

export type MessageEvent = Known | Anthropic.ErrorResponse;

const knownEvent: z.ZodType<Known> = z.union([
  z.strictObject({ type: z.literal('message_start'), message: begunShape }),
  z.strictObject({ type: z.literal('content_block_start'), index: count, content_block: block }),
  z.strictObject({ type: z.literal('content_block_delta'), index: count, delta }),
  z.strictObject({ type: z.literal('content_block_stop'), index: count }),
  z.strictObject({
    type: z.literal('message_delta'),
    delta: z.strictObject({ container: z.null(), stop_details: stopDetails, stop_reason: stopReason, stop_sequence: z.null() }),
    usage: deltaUsage,
  }),
  z.strictObject({ type: z.literal('message_stop') }),
]);

export const eventShape: z.ZodType<MessageEvent> = z.union([knownEvent, errorEvent]);
