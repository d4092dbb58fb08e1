/** One command of a shell, after its variables. */
export interface Command {
  /** `NAME=value` before it. */
  readonly variables: readonly string[];
  /** Without quotes; the first one is the program. Empty where there are variables only. */
  readonly words: readonly string[];
}

/** The commands of a block, in order: one on each line or several with `&&`; lines end with `\` where they go on. */
export function commandsIn(code: string): readonly Command[] {
  const lines = code.replaceAll(/\\\n\s*/g, ' ').split('\n');
  return lines
    .flatMap((line) => splitAt(wordsOf(line), '&&'))
    .filter((words) => words.length > 0)
    .map(commandOf);
}

function commandOf(words: readonly string[]): Command {
  const first = words.findIndex((word) => !/^[A-Z_][A-Z0-9_]*=/.test(word));
  const at = first === -1 ? words.length : first;
  return { variables: words.slice(0, at).map((word) => word.slice(0, word.indexOf('='))), words: words.slice(at) };
}

/** What stands behind a `#` at the beginning of a word is for people. */
function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    if (word.startsWith('#')) break;
    words.push(word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? ''));
  }
  return words;
}

function splitAt(words: readonly string[], mark: string): readonly (readonly string[])[] {
  const at = words.indexOf(mark);
  return at === -1 ? [words] : [words.slice(0, at), ...splitAt(words.slice(at + 1), mark)];
}
