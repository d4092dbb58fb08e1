import type { EmbeddingList } from '../index.ts';
import { callOptionsOf, modelOf, routed, type RoutedOptions, wholeNumber } from './call-options.ts';
import type { Cli } from './cli.ts';
import { CommandFailure } from './exit-codes.ts';
import { counted } from './figures.ts';
import { withExamples } from './help-text.ts';
import { readText } from './input.ts';
import { withRouter } from './open-router.ts';
import type { Paint } from './paint.ts';
import { plainLine, toJson } from './plain-text.ts';
import { table } from './table.ts';

interface EmbedOptions extends RoutedOptions {
  readonly dimensions?: number;
  readonly json?: true;
}

const examples = [
  ['inferlane embed "a cat" "a dog"', 'two texts, and how close they are'],
  ['inferlane embed --json < lines.txt > vectors.json', 'one text on each line'],
  ["inferlane embed --json < lines.txt | jq -c '.data[].embedding'", 'as many vectors as lines, each on a line of its own'],
] as const;

export function addEmbed(cli: Cli): void {
  const command = routed(
    cli.program
      .command('embed')
      .summary('makes vectors of texts')
      .description(
        'Makes a vector of each text. Where none is given, or -, each line of the standard input is one; the place of an empty line holds null.',
      )
      .argument('[texts...]', 'one text each; put it in quotes'),
  )
    .option('--dimensions <count>', 'the length of the vectors, where the model can make shorter ones', wholeNumber)
    .option('--json', 'the vectors themselves')
    .action(cli.does((texts: string[], options: EmbedOptions) => embed(cli, texts, options)));
  withExamples(command, examples);
}

async function embed(cli: Cli, words: string[], options: EmbedOptions): Promise<number> {
  const lines = await linesOf(cli, words);
  const input = lines.filter((line) => !isEmpty(line));
  const { dimensions, json } = options;
  return withRouter(cli, options, async (router) => {
    const request = { ...modelOf(options), input, ...(dimensions !== undefined && { dimensions }) };
    const list = await router.embed(request, callOptionsOf(options, cli.io));
    const empty = lines.length - input.length;
    if (empty > 0) await cli.warn(`${counted(empty, 'line is', 'lines are')} empty: ${json === true ? 'null stands there' : 'left out'}.`);
    await cli.print(json === true ? toJson({ ...list, data: inPlace(list, lines) }) : vectorsText(list, input, cli.paint));
    return 0;
  });
}

async function linesOf(cli: Cli, words: string[]): Promise<readonly string[]> {
  if (words.length === 0 || (words.length === 1 && words[0] === '-')) {
    // The line feed at the end begins no further line.
    return (await readText([], cli.io, 'list of texts')).replace(/\r?\n$/, '').split(/\r?\n/);
  }
  const empty = words.findIndex(isEmpty);
  if (empty !== -1) throw new CommandFailure(2, `Text ${empty + 1} of ${words.length} is empty, so there is nothing to make a vector of.`);
  return words;
}

function isEmpty(text: string): boolean {
  return text.trim() === '';
}

/** One item for each line, so that what was read and what is printed stay side by side. */
function inPlace({ data }: EmbeddingList, lines: readonly string[]): readonly object[] {
  let next = 0;
  return lines.map((line, index) => (isEmpty(line) ? { object: 'embedding', index, embedding: null } : { ...data[next++], index }));
}

/** People cannot read vectors; how close texts are to the first one, they can. */
function vectorsText({ data, route }: EmbeddingList, input: readonly string[], paint: Paint): string {
  const first = data[0]?.embedding ?? [];
  const rows = data.map(({ embedding }, index) => [
    shortened(input[index] ?? ''),
    embedding
      .slice(0, 3)
      .map((value) => value.toFixed(4))
      .join(', ') + (embedding.length > 3 ? ', …' : ''),
    index === 0 ? '' : cosine(first, embedding).toFixed(3),
  ]);
  const who = `${route.provider}${route.model === undefined ? '' : ` (${route.model})`}`;
  const title = `${counted(data.length, 'vector')} of ${counted(first.length, 'number')} from ${plainLine(who)}. --json prints them in full.`;
  return `${title}\n\n${table(['TEXT', 'BEGINS WITH', 'LIKENESS TO THE FIRST'], rows, paint)}`;
}

function shortened(text: string): string {
  const signs = Array.from(plainLine(text));
  return signs.length > 40 ? `${signs.slice(0, 39).join('')}…` : signs.join('');
}

/** From -1 to 1; 1 is the same direction. */
function cosine(one: readonly number[], other: readonly number[]): number {
  const size = Math.sqrt(dot(one, one) * dot(other, other));
  return size === 0 ? 0 : dot(one, other) / size;
}

function dot(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
}
