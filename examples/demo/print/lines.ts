import { paint } from './paint.ts';

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

export function indented(line: string): void {
  print(`   ${line}`);
}

/** A scene begins: what it shows, and the call that shows it. */
export function title(text: string, code = ''): void {
  print();
  print(`${paint('bold', text)}${code && `   ${paint('dim', code)}`}`);
}

/** The name of an event, and what it told. */
export function say(event: string, text: string): void {
  indented(label(event) + text);
}

export function label(event: string): string {
  return paint('dim', event.padEnd(15));
}
