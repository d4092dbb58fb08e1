import { type ChatStream, type RouteTrace, textOf } from '../../../src/index.ts';
import { label, print, say } from './lines.ts';
import { paint } from './paint.ts';
import { milliseconds } from './units.ts';

/** Writes the pieces as they come, and gives back the whole. */
export async function printTokens(stream: ChatStream): Promise<string> {
  let text = '';
  process.stdout.write(`   ${label('tokens')}`);
  for await (const piece of textOf(stream)) {
    process.stdout.write(paint('green', piece));
    text += piece;
  }
  print();
  return text;
}

/** Who answered, and how long it took. */
export function printRoute({ provider, model, attempts }: RouteTrace, note = ''): void {
  const last = attempts.at(-1);
  const first = last?.firstContentMs === undefined ? '' : `first token after ${milliseconds(last.firstContentMs)}, `;
  const total = last === undefined ? 0 : last.startedMs + last.ms;
  const count = `${attempts.length} ${attempts.length === 1 ? 'attempt' : 'attempts'}`;
  say('route', `✓ ${provider}  ${model}: ${first}${milliseconds(total)} in all, ${count}${note && `; ${note}`}`);
}
