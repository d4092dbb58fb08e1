import { createMask, type MaskOptions } from '../../src/lib/redact.ts';

/** One text by itself. */
export const safeText = (text: string, options: MaskOptions): string => createMask(options)(text);
