import { type ChatRequest, type EmbedRequest, formatPlan, type Router } from '../index.ts';
import { callOptionsOf, modelOf, routed, type RoutedOptions, wholeNumber } from './call-options.ts';
import type { Cli } from './cli.ts';
import { withExamples } from './help-text.ts';
import { readText } from './input.ts';
import { withRouter } from './open-router.ts';
import { plainLine, plainText, toJson } from './plain-text.ts';

interface ExplainOptions extends RoutedOptions {
  readonly embed?: true;
  readonly maxTokens?: number;
  readonly json?: true;
}

const examples = [
  ['inferlane explain', 'who would get a short question'],
  ['inferlane explain --intent heavy - < book.txt', 'who would get a long one'],
  ['inferlane explain --model llama3.1:8b', 'who has this model, and who would get the call'],
  ['inferlane explain --embed "a text"', 'who would make a vector of a text'],
] as const;

export function addExplain(cli: Cli): void {
  const command = routed(
    cli.program
      .command('explain')
      .summary('who would get a call, and why')
      .description(
        'Shows who would get a call and in which order, who would not and why, without making it. Asks the providers how they are before.\nThe exit code is 1 if nobody would get it.',
      )
      .argument('[text...]', 'what would be asked; - reads it from the standard input'),
  )
    .option('--embed', 'a call for vectors')
    .option('--max-tokens <count>', 'the longest answer', wholeNumber)
    .option('--json', 'the plan as JSON')
    .action(cli.does((words: string[], options: ExplainOptions) => explain(cli, words, options)));
  withExamples(command, examples);
}

async function explain(cli: Cli, words: string[], options: ExplainOptions): Promise<number> {
  const text = words.length === 0 ? 'Hello!' : await readText(words, cli.io, 'message');
  return withRouter(cli, { asksHealth: true }, async (router) => {
    const silent = await silentOnes(router, cli.io.signal);
    const plan = router.explain(requestOf(text, options), { ...callOptionsOf(options, cli.io), stream: options.embed !== true });
    await cli.print(options.json === true ? toJson(plan) : `${plainText(formatPlan(plan))}\n`);
    const asked = new Set(plan.candidates.map(({ provider }) => provider));
    const notes = silent.filter(({ provider }) => asked.has(provider));
    if (options.json !== true && notes.length > 0) {
      await cli.print(
        `They did not answer just now, so ${notes.length < asked.size ? 'the call would go on to the next' : 'nobody would answer'}:\n${notes.map(({ message }) => `  ${plainLine(message)}\n`).join('')}`,
      );
    }
    return plan.candidates.length > 0 ? 0 : 1;
  });
}

async function silentOnes(
  router: Router,
  signal: AbortSignal,
): Promise<readonly { readonly provider: string; readonly message: string }[]> {
  const { providers } = await router.health({ signal });
  return providers.flatMap(({ provider, status, error }) =>
    status === 'down' && error !== undefined ? [{ provider, message: error.message }] : [],
  );
}

function requestOf(text: string, options: ExplainOptions): ChatRequest | EmbedRequest {
  if (options.embed === true) return { ...modelOf(options), input: text };
  const { maxTokens } = options;
  return { ...modelOf(options), messages: [{ role: 'user', content: text }], ...(maxTokens !== undefined && { max_tokens: maxTokens }) };
}
