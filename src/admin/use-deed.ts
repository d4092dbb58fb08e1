import { useCallback, useState } from 'preact/hooks';
import { wordsOf } from './api.ts';

/** What was asked of the server, and what came of it. */
export interface Deed {
  readonly isBusy: boolean;
  readonly result: DeedResult | undefined;
  /** One at a time: while one is under way, others are not begun. `work` gives the sentence of its result. */
  readonly run: (work: () => Promise<DeedResult>) => Promise<void>;
  readonly forget: () => void;
}

export interface DeedResult {
  readonly isGood: boolean;
  readonly sentence: string;
}

export function useDeed(): Deed {
  const [isBusy, setIsBusy] = useState(false);
  const [result, setResult] = useState<DeedResult | undefined>(undefined);
  const run = async (work: () => Promise<DeedResult>): Promise<void> => {
    if (isBusy) return;
    setIsBusy(true);
    setResult(undefined);
    try {
      setResult(await work());
    } catch (error) {
      setResult({ isGood: false, sentence: wordsOf(error) });
    } finally {
      setIsBusy(false);
    }
  };
  const forget = useCallback(() => setResult(undefined), []);
  return { isBusy, result, run, forget };
}
