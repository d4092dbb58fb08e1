import { ConfigError } from '../core/errors.ts';

/** Far more than any configuration needs; a larger file is another one. */
export const largestFileBytes: number = 1_048_576;

/**
 * The text of a configuration file. Messages name the file without its folder: folders hold names of people and customers, and
 * messages end up in logs.
 * @throws {ConfigError} where there is no such file, or none that could be read as text.
 */
export async function readConfigText(path: string | URL, name: string): Promise<string> {
  const problem = kindProblem(path, name);
  if (problem !== undefined) throw fault(name, problem);
  // Imported only here, so that this module loads where there are no files.
  const files = await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:fs/promises').catch(() => {
    throw fault(name, 'there are no files here; pass the text, or what an import of it gives, to fromJson()');
  });
  const told = (error: unknown): never => {
    throw error instanceof ConfigError ? error : fault(name, systemProblem(error));
  };
  // A pipe would keep whoever opens it waiting.
  const stat = await files.stat(path).catch(told);
  if (!stat.isFile()) throw fault(name, `is ${stat.isDirectory() ? 'a folder' : 'no regular file'}; give the path of a JSON file`);
  const handle = await files.open(path, 'r').catch(told);
  try {
    return decode(await readUpTo(largestFileBytes, handle, name).catch(told), name);
  } finally {
    await handle.close();
  }
}

/** The last part of a path, fit for a message. */
export function fileName(path: string | URL): string {
  const text = typeof path === 'string' ? path : path.pathname;
  const last = text.split(/[\\/]/).findLast((part) => part !== '') ?? '';
  const shown = last.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
  return shown.length > 100 ? `${shown.slice(0, 100)}…` : shown;
}

function fault(name: string, message: string): ConfigError {
  return new ConfigError([{ path: name, message }]);
}

function kindProblem(path: string | URL, name: string): string | undefined {
  if ((typeof path !== 'string' && !(path instanceof URL)) || name === '') return 'fromFile() needs the path of a JSON file';
  if (typeof path === 'string' ? /^https?:/i.test(path) : path.protocol !== 'file:') {
    return 'is no file of this machine; fetch it yourself, and pass the text to fromJson()';
  }
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  if (/^[cm]?[jt]sx?$/.test(ending))
    return 'is a program, and no configuration file is run; import it in your code, and pass what it exports to createRouter()';
  if (/^(?:ya?ml|toml|ini|json5|jsonc)$/.test(ending))
    return `is not JSON but ${ending.toUpperCase()}; read it with a library of your choice, and pass the value to fromJson()`;
  if (ending === 'env') return 'holds variables and no JSON; load it with node --env-file, and use fromEnv(process.env)';
  return undefined;
}

/** What is needed of an open file of the platform's. */
interface Handle {
  read(into: Uint8Array, offset: number, length: number): Promise<{ readonly bytesRead: number }>;
}

async function readUpTo(most: number, handle: Handle, name: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(most + 1);
  let length = 0;
  for (let read = 1; read > 0 && length < bytes.length; length += read) {
    read = (await handle.read(bytes, length, bytes.length - length)).bytesRead;
  }
  if (length > most) throw fault(name, `is larger than ${most / 1_048_576} MiB, so it is hardly a configuration; check the path`);
  return bytes.subarray(0, length);
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fault(name, 'is not in UTF-8; save it in that encoding');
  }
}

function systemProblem(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return 'does not exist; a relative path begins at the folder in which the process was started';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this process; check the permissions of the file and its folders';
  return `could not be read${typeof code === 'string' && /^[A-Z]{2,16}$/.test(code) ? ` (${code})` : ''}`;
}
