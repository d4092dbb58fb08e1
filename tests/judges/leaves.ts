import { expect, vi } from 'vitest';
import type { JudgedServer } from './judged-server.ts';

/** Holds that the model was left, once, by what `use` does. */
export async function leaves(server: JudgedServer, use: () => Promise<void>): Promise<void> {
  const before = server.left();
  await use();
  await vi.waitFor(() => expect(server.left()).toBe(before + 1), { timeout: 5_000, interval: 5 });
}
