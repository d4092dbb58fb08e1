import { nextOf as nextBytes } from '../../src/lib/polled.ts';
import type { TextBody } from '../../src/lib/stream-text.ts';

/** The next piece of text that is not empty; undefined at the end. */
export async function nextOf(text: TextBody): Promise<string | undefined> {
  for (;;) {
    const bytes = await nextBytes(text);
    const piece = text.decode(bytes);
    if (piece !== '' || bytes === undefined) return piece || undefined;
  }
}
