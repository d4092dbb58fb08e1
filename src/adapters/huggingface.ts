import type { Adapter, Call } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import type { EmbedAnswer, EmbedRequest } from '../core/types.ts';
import type { HttpClient } from '../lib/http.ts';
import { toVectors } from './huggingface-vectors.ts';
import type { NetworkContext } from './context.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { joinEmbedAnswers, splitInput, toEmbedAnswer } from './openai-embeddings.ts';
import type { CallOrigin } from './openai-wire.ts';

const plain: (context: NetworkContext) => Adapter = openaiCompatible({
  name: 'huggingface',
  capabilities: {
    tools: true,
    toolChoice: true,
    vision: true,
    jsonObject: true,
    jsonSchema: true,
    logprobs: true,
    reasoningEffort: true,
  },
  limitName: 'max_tokens',
  embed,
});

/**
 * Hugging Face's router, which passes chats on to the providers behind it. A model's name may carry a policy or a provider
 * (`openai/gpt-oss-120b:fastest`), and the embedding models stand in no list. A dedicated Inference Endpoint (another host)
 * speaks the protocol of its engine: configure it as `tgi`, `vllm`, `tei` or `llamacpp`.
 */
export const huggingface = (context: NetworkContext): Adapter => Object.freeze({ ...plain(context), listsAllModels: false });

/** TEI, which does the work behind the route, takes 32 texts at once by default. */
const maxInputs = 32;

/**
 * The feature-extraction task. `truncate: false`: a text too long is an error, as everywhere else, and not cut in silence.
 * There is no usage.
 */
async function embed(http: HttpClient, call: Call<EmbedRequest>, origin: CallOrigin): Promise<EmbedAnswer> {
  const { request, model } = call;
  const path = `/hf-inference/models/${pathOf(model, origin)}/pipeline/feature-extraction`;
  const answers: EmbedAnswer[] = [];
  for (const part of splitInput(request.input, maxInputs)) {
    const inputs = typeof part === 'string' ? [part] : part;
    // `inputs` last, because the answer is checked against it.
    const body = { normalize: true, truncate: false, ...request.extra?.['huggingface'], inputs };
    const value = await http.postJson(path, body, call);
    const data = toVectors(value, inputs.length).map((embedding) => ({ embedding }));
    answers.push(toEmbedAnswer({ data }, request, inputs.length, origin));
  }
  return joinEmbedAnswers(answers, model);
}

/** A name may be anything that a caller wrote, so it must not lead to another path. */
function pathOf(model: string | undefined, { provider }: CallOrigin): string {
  const segments = model?.split('/') ?? [''];
  if (segments.some((segment) => /^\.{0,2}$|\p{Surrogate}/u.test(segment))) {
    throw new RouterError('model_not_found', `${provider}: the name of the model is none that the hub can have.`, { provider, model });
  }
  return segments.map(encodeURIComponent).join('/');
}
