import type { Kind } from '../kind.ts';
import { addresses } from './addresses.ts';
import { beforeHeaders } from './before-headers.ts';
import { bodies } from './body.ts';
import { oddTexts } from './odd-texts.ts';
import { oddities } from './oddities.ts';
import { statuses } from './status.ts';
import { streamsAfterContent } from './stream-after.ts';
import { streamsBeforeContent } from './stream-before.ts';

export { addresses } from './addresses.ts';

/** Every way in which a server of the campaign can behave. */
export const kinds: readonly Kind[] = [
  ...addresses,
  ...beforeHeaders,
  ...statuses,
  ...bodies,
  ...streamsBeforeContent,
  ...streamsAfterContent,
  ...oddities,
  ...oddTexts,
];

export const kindOf: ReadonlyMap<string, Kind> = new Map(kinds.map((kind) => [kind.name, kind]));

/** The server does as it should. */
export const well = 'well';
