import type { CallOptions, ChatRequest, Router } from '../index.ts';
import { type BenchFigures, type Sample, figuresOf } from './bench-figures.ts';
import { benchText } from './bench-text.ts';
import { callOptionsOf, modelOf, routed, type RoutedOptions, wholeNumber } from './call-options.ts';
import type { Cli } from './cli.ts';
import { withExamples } from './help-text.ts';
import { readText } from './input.ts';
import { withRouter } from './open-router.ts';
import { toJson } from './plain-text.ts';
import { createProgress } from './progress.ts';
import { sampleCall } from './sample-call.ts';

interface BenchOptions extends RoutedOptions {
  readonly requests: number;
  readonly concurrency: number;
  readonly maxTokens: number;
  readonly json?: true;
}

const examples = [
  ['inferlane bench', '20 calls, one after the other, wherever the router sends them'],
  ['inferlane bench -p gpu --requests 100 --concurrency 8', 'what one server gives to eight at once'],
  ['inferlane bench --json "Tell me a story" > bench.json', 'with a text of your own'],
] as const;

const usualText = 'Describe the sea in four sentences.';

export function addBench(cli: Cli): void {
  const command = routed(
    cli.program
      .command('bench')
      .summary('measures how fast answers come')
      .description(
        'Measures the time to the first token, tokens per second and the time of whole answers. One call before that is not counted, since it may load the model. The calls are real ones: they cost what they cost. The exit code is 1 if none succeeds.',
      )
      .argument('[text...]', `what to ask; without it "${usualText}"`),
  )
    .option('-n, --requests <count>', 'calls in all', wholeNumber, 20)
    .option('-c, --concurrency <count>', 'calls at once', wholeNumber, 1)
    .option('--max-tokens <count>', 'the longest answer', wholeNumber, 64)
    .option('--json', 'the figures as JSON')
    .action(cli.does((words: string[], options: BenchOptions) => bench(cli, words, options)));
  withExamples(command, examples);
}

async function bench(cli: Cli, words: string[], options: BenchOptions): Promise<number> {
  const text = words.length === 0 ? usualText : await readText(words, cli.io, 'message');
  const request: ChatRequest = { ...modelOf(options), messages: [{ role: 'user', content: text }], max_tokens: options.maxTokens };
  return withRouter(cli, options, async (router) => {
    const figures = await measure(cli, router, request, options);
    await cli.print(options.json === true ? toJson(figures) : benchText(figures, cli.paint));
    return figures.succeeded > 0 ? 0 : 1;
  });
}

async function measure(cli: Cli, router: Router, request: ChatRequest, options: BenchOptions): Promise<BenchFigures> {
  const { clock } = cli.io;
  const call: CallOptions = callOptionsOf(options, cli.io);
  const progress = createProgress(cli.io.stderr, options.requests);
  try {
    progress.show(0, 'the first call, which is not counted');
    const first = await sampleCall(router, request, call, clock);
    const samples: Sample[] = [];
    const startMs = clock.nowMs();
    let begun = 0;
    const work = async (): Promise<void> => {
      while (begun < options.requests) {
        begun += 1;
        samples.push(await sampleCall(router, request, call, clock));
        progress.show(samples.length, `${samples.filter(({ error }) => error !== undefined).length} failed`);
      }
    };
    progress.show(0, '0 failed');
    const concurrency = Math.min(options.concurrency, options.requests);
    await Promise.all(Array.from({ length: concurrency }, work));
    return figuresOf({ first, samples, wallMs: clock.nowMs() - startMs, concurrency });
  } finally {
    progress.clear();
  }
}
