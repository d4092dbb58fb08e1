import { InvalidArgumentError, type Command } from 'commander';
import type { CallOptions } from '../index.ts';
import type { CliIo } from './io.ts';

/** Which provider and which model a call goes to. */
export interface RoutedOptions {
  readonly intent?: string;
  readonly provider?: string;
  readonly model?: string;
}

export function routed(command: Command): Command {
  return command
    .option('-m, --model <name>', 'an alias of the configuration, or a name of the provider; without it each provider takes its default')
    .option('-p, --provider <id>', 'only this provider; naming a paid one is consent to pay')
    .option('-i, --intent <name>', 'fast, heavy, or one of the configuration');
}

export function callOptionsOf({ intent, provider }: RoutedOptions, { signal }: CliIo): CallOptions {
  return { intent, provider, signal };
}

export function modelOf({ model }: RoutedOptions): { readonly model?: string } {
  return model === undefined ? {} : { model };
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) throw new InvalidArgumentError('It is a whole number from 1 on.');
  return value;
}

export function temperature(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 2)) throw new InvalidArgumentError('It is a number from 0 to 2.');
  return value;
}
