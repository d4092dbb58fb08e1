import {
  type ChatChunk,
  type ChatRequest,
  type ChatStream,
  isRouterError,
  type Router,
  type RouterError,
  type RouteTrace,
  type Usage,
} from '../index.ts';
import { callOptionsOf, modelOf, routed, type RoutedOptions, temperature, wholeNumber } from './call-options.ts';
import type { Cli } from './cli.ts';
import { CommandFailure } from './exit-codes.ts';
import { duration, listed, rounded } from './figures.ts';
import { withExamples } from './help-text.ts';
import { readText } from './input.ts';
import { withRouter } from './open-router.ts';
import { plainPieces, toJson } from './plain-text.ts';

interface ChatOptions extends RoutedOptions {
  readonly system?: string;
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly json?: true;
}

const examples = [
  ['inferlane chat "Why is the sky blue?"', 'the answer appears as it is written'],
  ['inferlane chat --system "Answer in one word." Capital of France?', 'with instructions'],
  ['git diff | inferlane chat --system "Write a commit message." --intent heavy', 'the text of another program, with time to spare'],
  ['inferlane chat -p gpu -m llama3.1:8b Hello', 'one provider and one model'],
  ["inferlane chat --json Hello | jq -r '.choices[0].message.content'", 'the whole answer, and who gave it, as JSON'],
] as const;

export function addChat(cli: Cli): void {
  const command = routed(
    cli.program
      .command('chat')
      .summary('asks for an answer')
      .description(
        'Asks for an answer, which appears as it is written. The text is read from the standard input where none is given, or -.',
      )
      .argument('[text...]', 'what to ask'),
  )
    .option('-s, --system <text>', 'instructions in front of the text')
    .option('--max-tokens <count>', 'the longest answer', wholeNumber)
    .option('--temperature <number>', '0 to 2: how free the choice of words is', temperature)
    .option('--json', 'the whole answer at once, with its route')
    .action(cli.does((words: string[], options: ChatOptions) => chat(cli, words, options)));
  withExamples(command, examples);
}

async function chat(cli: Cli, words: string[], options: ChatOptions): Promise<number> {
  const request = requestOf(await readText(words, cli.io, 'message'), options);
  return withRouter(cli, options, async (router) => {
    if (options.json !== true) return stream(cli, router, request, options);
    await cli.print(toJson(await router.chat(request, callOptionsOf(options, cli.io))));
    return 0;
  });
}

function requestOf(text: string, options: ChatOptions): ChatRequest {
  const { system, maxTokens, temperature: degree } = options;
  return {
    ...modelOf(options),
    messages: [...(system === undefined ? [] : [{ role: 'system' as const, content: system }]), { role: 'user', content: text }],
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(degree !== undefined && { temperature: degree }),
  };
}

async function stream(cli: Cli, router: Router, request: ChatRequest, options: ChatOptions): Promise<number> {
  const { stdout, stderr, clock } = cli.io;
  const startMs = clock.nowMs();
  const answer = await router.stream(request, callOptionsOf(options, cli.io));
  const shown = await show(cli, answer);
  if (shown.reason === 'length') await cli.warn('the answer was cut at its longest; --max-tokens sets that.');
  if (shown.reason === 'content_filter') await cli.warn('the provider held back a part of the answer.');
  if (answer.route.degraded) await cli.warn('this is a stand-in: no model could answer.');
  if (stderr.isTerminal && stdout.isTerminal) await cli.note(routeInWords(answer.route, shown.usage, clock.nowMs() - startMs));
  return 0;
}

interface Shown {
  readonly reason: string | undefined;
  readonly usage: Usage | undefined;
}

/** Prints the text as it comes. It ends with a line feed, also where the stream breaks. */
async function show(cli: Cli, answer: ChatStream): Promise<Shown> {
  const pieces = plainPieces();
  let last = '\n';
  let hasBegun = false;
  let isThinking = false;
  let reason: string | undefined;
  let usage: Usage | undefined;
  const print = async (text: string): Promise<void> => {
    if (text === '') return;
    last = text.at(-1) ?? last;
    hasBegun = true;
    await cli.io.stdout.write(text);
  };
  try {
    for await (const chunk of answer) {
      if (chunk.inferlane?.type === 'reset') {
        await print(`${pieces.end()}\n`);
        await cli.warn(`${chunk.inferlane.from} broke off; ${chunk.inferlane.provider} begins anew.`);
      }
      const { content, isThought } = contentOf(chunk);
      if (isThought && !isThinking && last === '\n' && cli.io.stderr.isTerminal) await cli.note('thinking …');
      isThinking ||= isThought;
      await print(pieces.push(content));
      reason = chunk.choices.find(({ index }) => index === 0)?.finish_reason ?? reason;
      usage = chunk.usage ?? usage;
    }
  } catch (error) {
    throw isRouterError(error) && hasBegun ? brokenOff(error) : error;
  } finally {
    await print(pieces.end());
    if (last !== '\n') await cli.io.stdout.write('\n');
  }
  return { reason, usage };
}

/** Others may be able to answer, so that nobody could would be no help. */
function brokenOff(error: RouterError): CommandFailure {
  const { message } = error.attempts.at(-1)?.error ?? error;
  return new CommandFailure(1, `The answer broke off. ${message}`, [
    'Where "onStreamFailure" is "restart" or "continue", another provider takes over, if there is one.',
  ]);
}

function contentOf({ choices }: ChatChunk): { readonly content: string; readonly isThought: boolean } {
  const delta = choices.find(({ index }) => index === 0)?.delta;
  return { content: delta?.content ?? delta?.refusal ?? '', isThought: (delta?.reasoning_content ?? '') !== '' };
}

/** Over less than this a speed says nothing. */
const shortestMs = 100;

/** Who answered and how fast, and who did not. */
function routeInWords({ provider, model, attempts }: RouteTrace, usage: Usage | undefined, ms: number): string {
  const failed = attempts.filter(({ error }) => error !== undefined);
  const firstMs = attempts.find(({ error }) => error === undefined)?.firstContentMs;
  const tokens = usage?.completion_tokens ?? 0;
  return [
    `${provider}${model === undefined ? '' : ` (${model})`} in ${duration(ms)}`,
    firstMs === undefined ? '' : `first word after ${duration(firstMs)}`,
    tokens === 0
      ? ''
      : `${tokens} tokens${firstMs === undefined || ms - firstMs < shortestMs ? '' : `, ${rounded(tokens / ((ms - firstMs) / 1_000))} per second`}`,
    failed.length === 0 ? '' : `before that ${listed(failed.map((each) => `${each.provider} (${each.error?.code})`))} failed`,
  ]
    .filter((part) => part !== '')
    .join('; ');
}
