import type { AdminState } from '../http/admin-contract.ts';
import { type Api, ApiFailure } from './api.ts';
import { onShown, schedule } from './browser.ts';

export interface StatePoll {
  /** Asks now, or as soon as the question under way is answered. */
  wake(): void;
  end(): void;
}

const shownEveryMs = 2_000;
const hiddenEveryMs = 15_000;
const soonMs = 150;

/** Asks for the state again and again, less often while nobody looks. Answers that do not come are left out. */
export function pollState(api: Api, onState: (state: AdminState) => void, onRefused: () => void): StatePoll {
  const over = new AbortController();
  let isShown = true;
  let isAsking = false;
  let isWanted = false;
  let cancel: (() => void) | undefined;
  const later = (delayMs: number): void => {
    cancel?.();
    if (!over.signal.aborted) cancel = schedule(delayMs, () => void ask());
  };
  const ask = async (): Promise<void> => {
    isAsking = true;
    isWanted = false;
    try {
      onState(await api.state(over.signal));
    } catch (error) {
      if (over.signal.aborted) return;
      if (error instanceof ApiFailure && error.status === 401) return onRefused();
    } finally {
      isAsking = false;
    }
    later(isWanted ? soonMs : isShown ? shownEveryMs : hiddenEveryMs);
  };
  const wake = (): void => {
    if (isAsking) isWanted = true;
    else later(soonMs);
  };
  const endShown = onShown((shown) => {
    isShown = shown;
    if (shown) wake();
  });
  void ask();
  return {
    wake,
    end() {
      over.abort();
      cancel?.();
      endShown();
    },
  };
}
