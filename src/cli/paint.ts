import type { CliIo, Outgoing } from './io.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

export type Paint = (style: Style, text: string) => string;

const styles: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** Colours where somebody sees them and has not asked for none. */
function hasColours(out: Outgoing, env: CliIo['env']): boolean {
  return out.isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

export function createPaint(out: Outgoing, env: CliIo['env']): Paint {
  if (!hasColours(out, env)) return (_style, text) => text;
  return (style, text) => {
    const [on, off] = styles[style];
    return text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`;
  };
}
