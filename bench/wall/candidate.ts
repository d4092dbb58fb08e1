import { readFileSync } from 'node:fs';

export interface Place {
  /** The server's address, without `/v1`. */
  readonly url: string;
  readonly apiKey: string;
}

/** What every candidate is given for one case. */
export interface Setting {
  readonly first: Place;
  readonly second: Place;
  readonly model: string;
  /** How long the caller is willing to wait for one call, in milliseconds. */
  readonly patienceMs: number;
}

/** The one way in which the wall speaks to a candidate. */
export interface Client {
  /** The text of the answer. */
  chat(prompt: string, signal: AbortSignal): Promise<string>;
  /** The text as it comes; throws where the candidate tells of a failure. */
  stream(prompt: string, signal: AbortSignal): AsyncIterable<string>;
  close(): Promise<void>;
}

export interface Candidate {
  readonly name: string;
  /** With their versions, `ai 7.0.1`. */
  readonly packages: readonly string[];
  /** What it was configured with, for the page. */
  readonly given: string;
  open(setting: Setting): Client;
}

/** A package of this folder, loaded without its types: the compiler need not find it where it is not installed. */
export async function load<Module>(name: string): Promise<Module> {
  return (await import(name)) as Module;
}

/** `name version` of each, as installed in this folder. */
export function versionsOf(...names: readonly string[]): string[] {
  return names.map((name) => {
    const manifest = readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url), 'utf8');
    return `${name} ${(JSON.parse(manifest) as { version: string }).version}`;
  });
}

export const nothingToClose = async (): Promise<void> => undefined;
