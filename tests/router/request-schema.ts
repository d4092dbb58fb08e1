import * as z from 'zod';

// What the router takes of requests, once more and in zod's words, to hold the checks by hand to. It is no part of the library: a call
// loads no zod.

const finite = z.number();
const whole = z.custom((value) => Number.isInteger(value));
const flag = z.boolean();
const text = z.string();
const texts = z.union([text, z.array(text)]);
const object = z.looseObject({});
/** zod's own records leave a key called `__proto__` unseen. */
const mapOf = (each: z.ZodType) =>
  z.custom((value) => object.safeParse(value).success && Object.values(value as object).every((item) => each.safeParse(item).success));

function isJson(value: unknown): boolean {
  try {
    return typeof JSON.stringify(value) === 'string';
  } catch {
    return false;
  }
}

/** Of what was given: zod makes a plain object of a `Proxy` of a `Date`, which JSON cannot hold. */
const inJson = (each: z.ZodType) => z.custom(isJson).pipe(each);

const named = z.looseObject({ name: text });
const otherThan = (...types: readonly string[]) => text.refine((type) => !types.includes(type));

const part = z.union([
  z.looseObject({ type: z.literal('text'), text }),
  z.looseObject({ type: z.literal('image_url'), image_url: z.looseObject({ url: text }) }),
  z.looseObject({ type: otherThan('text', 'image_url') }),
]);
const content = z.union([text, z.array(part)]);

const call = z.looseObject({
  id: text.nullish(),
  function: z.looseObject({ name: text, arguments: z.union([text, inJson(object)]).nullish() }),
});

const beside = {
  name: text.nullish(),
  tool_calls: z.array(call).nullish(),
  tool_call_id: text.nullish(),
  reasoning_content: text.nullish(),
  thinking_blocks: z.array(object).nullish(),
};
const message = z.discriminatedUnion('role', [
  z.looseObject({ role: z.enum(['system', 'developer', 'user']), content, ...beside }),
  z.looseObject({ role: z.enum(['assistant', 'tool']), content: content.nullish(), ...beside }),
]);

const choice = z.union([z.looseObject({ function: named }), z.looseObject({ type: otherThan('function') })]);
const tool = inJson(choice);

const responseFormat = z.union([
  z.looseObject({ type: z.literal('json_schema'), json_schema: inJson(z.looseObject({ schema: object })) }),
  z.looseObject({ type: otherThan('json_schema') }),
]);

const common = {
  model: text.min(1).nullish(),
  user: text.nullish(),
  extra: mapOf(object.nullish()).nullish(),
};

export const chatSchema: z.ZodType = z.looseObject({
  ...common,
  messages: z.array(message).min(1),
  temperature: finite.nullish(),
  top_p: finite.nullish(),
  n: whole.nullish(),
  stop: texts.nullish(),
  max_tokens: finite.nullish(),
  max_completion_tokens: finite.nullish(),
  presence_penalty: finite.nullish(),
  frequency_penalty: finite.nullish(),
  seed: finite.nullish(),
  logprobs: flag.nullish(),
  top_logprobs: whole.nullish(),
  logit_bias: mapOf(finite).nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: z.union([text, choice]).nullish(),
  parallel_tool_calls: flag.nullish(),
  response_format: responseFormat.nullish(),
  reasoning_effort: text.nullish(),
  stream_options: object.nullish(),
});

export const embedSchema: z.ZodType = z.looseObject({ ...common, input: texts, dimensions: whole.nullish() });

/** The fields that are wrong, as the router writes them; a message without a role is told by that. */
export function wrongFields(schema: z.ZodType, request: unknown): readonly string[] {
  const { error } = schema.safeParse(request);
  const names = (error?.issues ?? []).map(({ path: [field, at, inner] }) => {
    if (field === undefined) return ['the request', 'messages', 'input'];
    if (field !== 'messages' || at === undefined) return [String(field)];
    return [`messages[${String(at)}].${String(inner ?? 'role')}`];
  });
  return names.flat();
}
