import type { ModelInventory } from '../index.ts';
import { HttpRefusal } from './failure.ts';

/** OpenAI's `model`. */
export interface ModelEntryJson {
  readonly id: string;
  readonly object: 'model';
  /** Seconds since 1970; 0, because servers do not tell. */
  readonly created: number;
  readonly owned_by: 'inferlane';
}

export interface ModelEntriesJson {
  readonly object: 'list';
  readonly data: readonly ModelEntryJson[];
}

/** What a caller may ask for: aliases first, then the servers' own names. */
export function modelEntries(inventory: ModelInventory): ModelEntriesJson {
  return { object: 'list', data: namesIn(inventory).map(entryOf) };
}

/** @throws {HttpRefusal} 404 */
export function modelEntry(inventory: ModelInventory, id: string): ModelEntryJson {
  // The tag that no tag means.
  if (namesIn(inventory).some((name) => name === id || `${name}:latest` === id)) return entryOf(id);
  throw new HttpRefusal({ status: 404, code: 'model_not_found', message: 'There is no such model.', param: 'model' });
}

/** A name that an alias stands for can still be asked for. */
function namesIn({ models }: ModelInventory): readonly string[] {
  const own = models.filter(({ isAlias }) => isAlias).flatMap(({ servedBy }) => servedBy.map(({ model }) => model));
  return [...new Set([...models.map(({ id }) => id), ...own])];
}

function entryOf(id: string): ModelEntryJson {
  return { id, object: 'model', created: 0, owned_by: 'inferlane' };
}
