import type { ChatAnswer, ChatChunk, ChatRequest, ChunkBatches, ChunkChoice } from '../core/types.ts';
import { isJsonObject, type JsonObject } from '../lib/json.ts';

// Calls that ask for the rest of an answer: what the servers are told, and what some of them give back beside the rest.

/** The fields of `transformers`, which vLLM, SGLang and llama.cpp's server took over. Both are needed: with one alone it is a 400. */
export function continueFinal(body: JsonObject): JsonObject {
  return { ...body, continue_final_message: true, add_generation_prompt: false };
}

/**
 * The answer has begun, so thinking is over: a template that opens a block of thoughts would put the beginning of the answer into
 * it. Templates know the switch by either name, and leave unknown ones alone.
 */
export function thoughtOut(body: JsonObject): JsonObject {
  const { chat_template_kwargs: own } = body;
  return { ...body, chat_template_kwargs: { ...(isJsonObject(own) && own), enable_thinking: false, thinking: false } };
}

/** The text of the last message. */
export function begunIn({ messages }: ChatRequest): string {
  const content = messages.at(-1)?.content ?? '';
  return typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** Takes the beginning off an answer that repeats it, in place. */
export function withoutBegun(answer: ChatAnswer, begun: string): ChatAnswer {
  for (const { message } of answer.choices) if (message.content?.startsWith(begun)) message.content = message.content.slice(begun.length);
  return answer;
}

/** The same for a stream of one choice. What is not the beginning, or ends before it does, was no repetition, and stays. */
export async function* chunksWithoutBegun(batches: ChunkBatches, begun: string): AsyncGenerator<readonly ChatChunk[], void, undefined> {
  const cut = createBegunCutter(begun);
  let last: ChatChunk | undefined;
  for await (const batch of batches) {
    for (const { choices } of batch) for (const choice of choices) cutChoice(choice, cut);
    last = batch.at(-1) ?? last;
    yield batch;
  }
  const held = cut('', true);
  if (held === '' || last === undefined) return;
  const { id, object, created, model } = last;
  yield [{ id, object, created, model, choices: [{ index: 0, delta: { content: held }, finish_reason: null }] }];
}

type BegunCutter = (text: string, isLast: boolean) => string;

function createBegunCutter(begun: string): BegunCutter {
  let held: string | undefined = '';
  return (text, isLast) => {
    if (held === undefined) return text;
    held += text;
    if (!isLast && held.length < begun.length && begun.startsWith(held)) return '';
    const known = held.startsWith(begun) ? held.slice(begun.length) : held;
    held = undefined;
    return known;
  };
}

function cutChoice(choice: ChunkChoice, cut: BegunCutter): void {
  const { delta, finish_reason: reason } = choice;
  const said = delta.content ?? '';
  const known = cut(said, Boolean(reason));
  if (known !== said) delta.content = known;
}
