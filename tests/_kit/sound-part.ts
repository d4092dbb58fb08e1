import type { ContentPart } from '../../src/core/types.ts';

/** A part that our types do not know, and that callers send all the same: some servers take sound. */
export const soundPart = { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } } as unknown as ContentPart;
