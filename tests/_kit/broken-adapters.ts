import { type Adapter, type Call, type ChatChunk, type ChatRequest, isRouterError } from '../../src/index.ts';
import { altered, answering, asking, type Break, calling, eachChunk, failing, streaming } from './changed-adapter.ts';

/** An adapter that breaks one promise, and the names of the cases that must find it. */
export interface Broken {
  readonly change: Break;
  readonly fails: readonly string[];
  /** Whose adapter it is, and whose server; `openai-compatible` unless it says so. */
  readonly type?: 'vllm' | 'textgen';
}

const contract: Record<string, Broken> = {
  'drops a parameter without a word': {
    change: (adapter) => asking(adapter, (request) => ({ ...request, seed: undefined })),
    fails: ['sends seed'],
  },
  'sends a parameter that it says it ignores': {
    change: () => ({ ignores: Object.freeze(['user'] as const) }),
    fails: ['sends nothing of the parameters that it declares to ignore'],
  },
  'changes a list of the request': {
    change: (adapter) =>
      calling(adapter, (call) => {
        (call.request.stop as string[] | undefined)?.push('more');
        return call;
      }),
    fails: ['leaves the request of a chat as it was', 'sends stop'],
  },
};

const chats: Record<string, Broken> = {
  'invents usage': {
    change: (adapter) =>
      answering(adapter, (answer) => ({ usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }, ...answer })),
    fails: ['reports no usage where the server counted none'],
  },
  'sends the alias in place of the name of the model': {
    change: (adapter) => calling(adapter, (call) => ({ ...call, model: call.request.model ?? call.model })),
    fails: ['names the model by the name of the server, not by the alias'],
  },
  'loses the system text': {
    change: (adapter) => asking(adapter, (request) => ({ ...request, messages: request.messages.filter(({ role }) => role !== 'system') })),
    fails: ['sends the system text and the history, each once and in order'],
  },
};

const streams: Record<string, Broken> = {
  'takes a stream that was cut for a whole one': {
    change: (adapter) =>
      streaming(adapter, async function* (batches) {
        try {
          yield* batches;
        } catch (error) {
          if (!isRouterError(error, 'unavailable')) throw error;
        }
      }),
    fails: [
      'breaks with "unavailable" where the connection is closed in the middle',
      'breaks with "unavailable" where the connection is reset in the middle',
      'gives what came before the server failed, and then says so',
    ],
  },
  'gives a stream when it is over': {
    change: (adapter) =>
      streaming(adapter, async function* (batches) {
        const all: ChatChunk[] = [];
        for await (const batch of batches) all.push(...batch);
        yield all;
      }),
    fails: [
      'gives a piece before the server has sent the next',
      'gives what came before the connection was closed',
      'breaks with "bad_response" where the body ends before its terminator',
      'gives what came before the server ran out of memory, and then says so',
      'gives what came before the server failed, and then says so',
      "a stream in the middle ends with the caller's reason",
      'a reader that leaves closes the connection',
    ],
  },
  'begins a stream when it is read': {
    change: (adapter) => ({
      async stream(call) {
        return (async function* () {
          yield* await adapter.stream(call);
        })();
      },
    }),
    fails: ['rejects as it is opened where the server refuses the call'],
  },
  'says twice that it has ended': {
    change: (adapter) =>
      streaming(adapter, async function* (batches) {
        for await (const batch of batches) {
          yield batch;
          yield batch.filter(({ choices }) => choices.some(({ finish_reason: reason }) => Boolean(reason)));
        }
      }),
    fails: [
      'ends with one finish reason, and no text behind it',
      'tells that the answer reached its limit, as a chat does',
      'takes an empty text that ended for an answer, as a chat does',
      'gives the same chunks when every byte comes alone',
      'gives the same chunks when each write ends in the middle of one',
      'tells that the answer ended for a call',
    ],
  },
};

const allOfText = (adapter: Adapter, change: (text: string, call: Call<ChatRequest>) => string): Partial<Adapter> => ({
  async chat(call) {
    const answer = await adapter.chat(call);
    for (const { message } of answer.choices) message.content = change(message.content ?? '', call);
    return answer;
  },
  async stream(call) {
    let isFirst = true;
    return eachChunk(await adapter.stream(call), (chunk) => {
      for (const { delta } of chunk.choices) {
        if (!delta.content || !isFirst) continue;
        isFirst = false;
        delta.content = change(delta.content, call);
      }
      return chunk;
    });
  },
});

const rests = [
  'gives the rest of an answer and nothing of its beginning, with the blank between them',
  'gives a rest as it was written',
  'gives a rest that begins with a line',
  'gives a rest that begins like the answer',
  'gives the same rest however the network cuts it',
];

const continuations: Record<string, Broken> = {
  'forgets to ask for the rest': {
    type: 'vllm',
    change: (adapter) => calling(adapter, (call) => ({ ...call, continues: false })),
    fails: [
      'asks for the rest of an answer in the words of the server',
      ...rests,
      'takes an end without any more text for the end of the answer',
    ],
  },
  'repeats what was begun': {
    type: 'vllm',
    change: (adapter) =>
      allOfText(adapter, (text, { continues, request }) => (continues ? `${String(request.messages.at(-1)?.content)}${text}` : text)),
    fails: [...rests, 'takes an end without any more text for the end of the answer'],
  },
  'loses the blank between what was begun and the rest': {
    type: 'vllm',
    change: (adapter) => allOfText(adapter, (text, { continues }) => (continues ? text.trimStart() : text)),
    fails: rests.filter((name) => name !== 'gives a rest as it was written' && name !== 'gives a rest that begins like the answer'),
  },
  'takes off what was not begun': {
    type: 'textgen',
    change: (adapter) =>
      allOfText(adapter, (text, { request: { messages } }) => {
        const last = messages.at(-1);
        return last?.role === 'assistant' ? text.replace(String(last.content), '') : text;
      }),
    fails: ['gives a rest that begins like the answer', 'takes nothing off an answer that it was not told to continue'],
  },
};

const others: Record<string, Broken> = {
  'tools: hands signed thoughts on': {
    change: (adapter) =>
      asking(adapter, (request) => ({
        ...request,
        extra: {
          [adapter.name]: { ...request.extra?.[adapter.name], thoughts: request.messages.map((message) => message.thinking_blocks ?? 0) },
        },
      })),
    fails: ['sends no signed thoughts of another provider'],
  },
  'tools: loses the id of a call': {
    change: (adapter) =>
      streaming(adapter, (batches) =>
        eachChunk(batches, (chunk) => {
          for (const { delta } of chunk.choices) for (const call of delta.tool_calls ?? []) delete call.id;
          return chunk;
        }),
      ),
    fails: ['gives the same calls in a stream'],
  },
  'tools: sends none': {
    change: (adapter) => asking(adapter, (request) => ({ ...request, tools: undefined })),
    fails: ['sends the name, the description and the parameters of a tool'],
  },
  'formats: sends no schema': {
    change: (adapter) =>
      asking(adapter, (request) =>
        request.response_format?.type === 'json_schema' ? { ...request, response_format: { type: 'json_object' } } : request,
      ),
    fails: ['sends the schema that the answer must follow'],
  },
  'embed: turns the vectors round': {
    change: (adapter) => ({
      async embed(call) {
        const answer = await (adapter.embed as NonNullable<Adapter['embed']>)(call);
        const data = answer.data.toReversed().map(({ embedding }, index) => ({ object: 'embedding' as const, index, embedding }));
        return { ...answer, data };
      },
    }),
    fails: ['gives one vector for each text, in order', 'keeps the order of seventy texts, in however many calls'],
  },
  'errors: forgets how long to wait': {
    change: (adapter) => failing(adapter, (error) => altered(error, '', false)),
    fails: [
      'a bare 503 is "overloaded", with the wait that was asked for',
      'a bare 429 is "rate_limited", with the wait that was asked for',
      'a wait that the server names is told in milliseconds',
      'a wait that the server names as a date is a wait',
    ],
  },
  'errors: repeats the prompt': {
    change: (adapter) => failing(adapter, (error, { request }) => altered(error, JSON.stringify(request), true)),
    fails: ['an error repeats neither the prompt nor the key, even where the server does'],
  },
  'abort: does not listen': {
    change: (adapter) => calling(adapter, (call) => ({ ...call, signal: new AbortController().signal })),
    fails: [
      'a chat that was aborted before its start is not sent',
      'a stream that was aborted before its start is not sent',
      "a chat without an answer ends with the caller's reason",
      "a stream without an answer ends with the caller's reason",
      "a chat in the middle of its answer ends with the caller's reason",
      "a stream in the middle ends with the caller's reason",
    ],
  },
  'abort: wraps the reason': {
    change: (adapter) => failing(adapter, (error, { signal }) => (signal.aborted ? new Error('aborted', { cause: error }) : error)),
    fails: [
      'a chat that was aborted before its start is not sent',
      'a stream that was aborted before its start is not sent',
      "a chat without an answer ends with the caller's reason",
      "a stream without an answer ends with the caller's reason",
      "a chat in the middle of its answer ends with the caller's reason",
      "a stream in the middle ends with the caller's reason",
    ],
  },
  'abort: reads on when its reader has left': {
    change: (adapter) => ({
      async stream(call) {
        const batches = (await adapter.stream(call))[Symbol.asyncIterator]();
        return { [Symbol.asyncIterator]: () => ({ next: () => batches.next() }) };
      },
    }),
    fails: ['a reader that leaves closes the connection'],
  },
  'abort: calls the server before it looks at the signal': {
    change: (adapter) => ({
      async chat(call) {
        const answer = await adapter.chat({ ...call, signal: call.signal.aborted ? new AbortController().signal : call.signal });
        call.signal.throwIfAborted();
        return answer;
      },
    }),
    fails: ['a chat that was aborted before its start is not sent'],
  },
  'concurrency: keeps the last call for all': {
    change(adapter) {
      let last: Call<ChatRequest> | undefined;
      return {
        async chat(call) {
          last = call;
          await Promise.resolve();
          return adapter.chat(last);
        },
      };
    },
    fails: ['twenty chats and twenty streams at once do not mix'],
  },
  'other verbs: lists nothing': {
    change: () => ({ models: async () => [] }),
    fails: ['lists the model of the server', 'lists every model of the server', 'fails to list the models of a server that is gone'],
  },
  'other verbs: forgets one model': {
    change: (adapter) => ({ models: async (signal) => ((await adapter.models?.(signal)) ?? []).slice(0, 1) }),
    fails: ['lists every model of the server'],
  },
  'other verbs: is always well': {
    change: () => ({ health: async () => ({ state: 'ok' as const }) }),
    fails: ['a server that is gone is not healthy', "ends a question for health with the caller's reason"],
  },
};

export const brokenAdapters: Readonly<Record<string, Broken>> = { ...contract, ...chats, ...streams, ...continuations, ...others };
