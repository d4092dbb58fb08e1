import { readFileSync } from 'node:fs';
import type * as Inferlane from '../../src/index.ts';
import type { StreamName } from '../fake/sizes.ts';

export type Vector = ArrayLike<number>;

/** The one way in which the scenarios speak to a candidate. What it cannot do is left out. */
export interface Client {
  /** The text of a small answer. */
  chat(): Promise<string>;
  /** Gives each text of a stream as it comes; `signal` where it has to be left. */
  stream(name: StreamName, onText: (text: string) => void, signal?: AbortSignal): Promise<void>;
  embed?(inputs: readonly string[]): Promise<readonly Vector[]>;
}

/** What prepares one chat with two servers to turn to: all that is done before it counts is not measured. */
export type Prepare = () => (() => Promise<string>) | Promise<() => Promise<string>>;

/** What only inferlane is asked for. */
export interface Lab {
  readonly createRouter: typeof Inferlane.createRouter;
  readonly transport: Inferlane.Transport;
}

export interface Candidate {
  /** With their versions, `ai 7.0.1`. */
  readonly packages: readonly string[];
  /** What it is and what it was configured with, for the page. */
  readonly given: string;
  /** Left out by those that are there for failover alone. */
  open?(url: string): Client;
  failover?(first: string, second: string): Prepare;
  /** The scenarios that it is there for, where it is not for all that it can do. */
  readonly only?: readonly string[];
  readonly lab?: Lab;
  /** Part of its work is done in another process. */
  readonly hasGateway?: true;
}

/** A package of this folder, loaded without its types: the compiler need not find it where it is not installed. */
export async function load<Module>(name: string): Promise<Module> {
  return (await import(name)) as Module;
}

/** `name version` of each, as installed in this folder or beside inferlane. */
export function versionsOf(...names: readonly string[]): string[] {
  return names.map((name) => {
    for (const folder of ['../node_modules', '../../node_modules']) {
      const manifest = readIfThere(new URL(`${folder}/${name}/package.json`, import.meta.url));
      if (manifest !== undefined) return `${name} ${(JSON.parse(manifest) as { version: string }).version}`;
    }
    throw new Error(`${name} is not installed; npm ci --prefix bench`);
  });
}

function readIfThere(url: URL): string | undefined {
  try {
    return readFileSync(url, 'utf8');
  } catch {
    return undefined;
  }
}
