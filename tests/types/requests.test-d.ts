import type {
  AnswerSchema,
  AssistantMessage,
  ChatAnswer,
  ChatChoice,
  ChatChunk,
  ChatCompletion,
  ChatMessage,
  ChatRequest,
  ChunkBatches,
  ChunkChoice,
  ChunkDelta,
  ContentPart,
  EmbedAnswer,
  Embedding,
  EmbeddingList,
  EmbedRequest,
  EmbedUsage,
  FinishReason,
  ImagePart,
  ReasoningEffort,
  ResponseFormat,
  Role,
  RouteAttempt,
  RouteTrace,
  SchemaIssue,
  SchemaRequest,
  SchemaResult,
  StreamNotice,
  TextPart,
  ThinkingBlock,
  Tool,
  ToolCall,
  ToolCallDelta,
  ToolChoice,
  Usage,
} from '../../src/index.ts';
import { imagePart } from '../../src/index.ts';
import * as z from 'zod';
import { exactly, some } from './exactly.ts';

// What is asked, as applications write it.

const role: Role = 'developer';
const text: TextPart = { type: 'text', text: 'What is this?' };
const image: ImagePart = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } };
const parts: readonly ContentPart[] = [text, image, imagePart(new Uint8Array())];
const call: ToolCall = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } };
const thought: ThinkingBlock = { type: 'thinking', thinking: '…', signature: 's' };
const history: readonly ChatMessage[] = [
  { role, content: 'Be brief.' },
  { role: 'user', content: parts },
  { role: 'assistant', content: null, tool_calls: [call], thinking_blocks: [thought] },
  { role: 'tool', tool_call_id: call.id, content: '21 °C' },
];
const tool: Tool = { type: 'function', function: { name: 'weather', parameters: { type: 'object' } } };
const choice: ToolChoice = { type: 'function', function: { name: 'weather' } };
const format: ResponseFormat = { type: 'json_schema', json_schema: { name: 'answer', schema: {} } };
const effort: ReasoningEffort = 'low';
const request: ChatRequest = {
  model: 'llama3.1',
  messages: history,
  temperature: 0,
  stop: ['\n'],
  tools: [tool],
  tool_choice: choice,
  response_format: format,
  reasoning_effort: effort,
  extra: { ollama: { keep_alive: '10m' } },
};
const closer: ChatRequest<'llama3.1'> = { model: 'llama3.1', messages: history };
const embed: EmbedRequest = { input: ['a', 'b'], dimensions: 256 };
void [request, closer, embed];

// @ts-expect-error: there is no such role
void ({ role: 'bot', content: 'x' } satisfies ChatMessage);
// @ts-expect-error: messages are missing
void ({ model: 'llama3.1' } satisfies ChatRequest);
// @ts-expect-error: a misspelt field
void ({ messages: history, temprature: 0 } satisfies ChatRequest);
// @ts-expect-error: a number is no text
void ({ messages: history, stop: 5 } satisfies ChatRequest);
// @ts-expect-error: a part without its text
void ({ role: 'user', content: [{ type: 'text' }] } satisfies ChatMessage);
// @ts-expect-error: input is missing
void ({ model: 'nomic-embed-text' } satisfies EmbedRequest);

// A schema of a library, and one of one's own.

const city = z.object({ city: z.string() });
const asked: SchemaRequest<{ city: string }> = { messages: history, response_format: city };
const own: AnswerSchema<number> = {
  '~standard': {
    version: 1,
    validate: (value): SchemaResult<number> => (typeof value === 'number' ? { value } : { issues: [issue] }),
    jsonSchema: { input: () => ({ type: 'number' }) },
  },
};
const issue: SchemaIssue = { message: 'no number', path: ['answer', 0] };
void [asked, own];

// What comes back.

const answer = some<ChatCompletion>();
exactly<ChatChoice>()(answer.choices[0]);
exactly<AssistantMessage>()(answer.choices[0].message);
exactly<FinishReason>()(answer.choices[0].finish_reason);
exactly<Usage | undefined>()(answer.usage);
exactly<RouteTrace>()(answer.route);
exactly<readonly RouteAttempt[]>()(answer.route.attempts);
const bare: ChatAnswer = answer;
exactly<ChatChoice | undefined>()(bare.choices.at(0));
// @ts-expect-error: there may be no second choice
void answer.choices[1].message;

const chunk = some<ChatChunk>();
exactly<ChunkChoice | undefined>()(chunk.choices.at(0));
exactly<ChunkDelta | undefined>()(chunk.choices.at(0)?.delta);
exactly<ToolCallDelta[] | undefined>()(chunk.choices.at(0)?.delta.tool_calls);
exactly<StreamNotice | undefined>()(chunk.inferlane);
exactly<ChunkBatches>()(some<AsyncIterable<readonly ChatChunk[]>>());

const list = some<EmbeddingList>();
const vectors: EmbedAnswer = list;
exactly<Embedding[]>()(vectors.data);
exactly<number[] | undefined>()(list.data.at(0)?.embedding);
exactly<EmbedUsage | undefined>()(list.usage);
