const fields = { continue_final_message: true, add_generation_prompt: false };
const thoughtless = { chat_template_kwargs: { enable_thinking: false, thinking: false } };

/** What a server is told beside the messages, so that it goes on with the last one; by the types that can. */
export const continuedFields: Readonly<Record<'vllm' | 'sglang' | 'llamacpp' | 'textgen' | 'tgi' | 'ollama', object>> = {
  vllm: fields,
  sglang: { ...fields, ...thoughtless },
  llamacpp: { ...fields, ...thoughtless },
  textgen: { continue_: true },
  tgi: {},
  ollama: {},
};
