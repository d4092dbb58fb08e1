import { chatAttacks } from './chat-attacks.ts';
import type { Attack } from './pieces.ts';
import { streamAttacks } from './stream-attacks.ts';

/** By name. The name is the path under which the server plays it. */
export const attacks: Readonly<Record<string, Attack>> = { ...chatAttacks, ...streamAttacks };
