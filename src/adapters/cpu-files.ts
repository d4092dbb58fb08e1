import { RouterError } from '../core/errors.ts';

/** A GGUF file and the names a request may call it by. */
export interface ModelFile {
  readonly path: string;
  /** The file's name, without its folder. */
  readonly name: string;
  /** The name without `.gguf`. */
  readonly id: string;
  /** True for no name at all, the id, the file's name and the configured path. */
  isCalled(name: string | undefined): boolean;
}

export function modelFile(path: string): ModelFile {
  const name = path.split(/[\\/]/).at(-1) ?? path;
  const id = name.replace(/\.gguf$/i, '');
  return { path, name, id, isCalled: (called) => called === undefined || called === id || called === name || called === path };
}

/** The four bytes that every GGUF file starts with: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
const magic = 'GGUF';

/**
 * The size of the file in bytes. Throws `model_not_found` where it is missing, unreadable or no GGUF: the library's own errors
 * for these do not tell one from the other. Messages name the file without its folder.
 */
export async function checkModelFile(file: ModelFile, provider: string): Promise<number> {
  // Imported only here, so that this module loads where there are no files.
  const { open } = await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:fs/promises').catch(() => {
    throw new RouterError('unsupported', `Provider "${provider}" needs files, and there are none here.`, { provider });
  });
  const fault = (what: string): RouterError =>
    new RouterError('model_not_found', `Provider "${provider}": the model file "${file.name}" ${what}.`, { provider, model: file.id });
  const handle = await open(file.path, 'r').catch((error: unknown) => {
    throw fault(isMissing(error) ? 'does not exist; check modelPath and embeddingModelPath' : 'cannot be read');
  });
  try {
    const { buffer } = await handle.read(new Uint8Array(magic.length), 0, magic.length, 0);
    if (new TextDecoder().decode(buffer) !== magic) throw fault('is no GGUF model; convert it, or download the GGUF version');
    return (await handle.stat()).size;
  } catch (error) {
    throw error instanceof RouterError ? error : fault('cannot be read');
  } finally {
    await handle.close();
  }
}

/** A small file of the system's; undefined where there is none, or it may not be read. */
export async function systemText(path: string): Promise<string | undefined> {
  try {
    const { readFile } = await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:fs/promises');
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
