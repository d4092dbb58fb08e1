import { useCallback, useState } from 'preact/hooks';
import { wordsOf } from './api.ts';

/** What was asked of the server, and what came of it. */
export interface Deed {
  readonly isBusy: boolean;
  readonly result: DeedResult | undefined;
  /** One at a time: while one is under way, others are not begun. `work` gives the sentence of its result. */
  readonly run: (work: () => Promise<DeedResult>) => Promise<boolean>;
  readonly forget: () => void;
}

export interface DeedResult {
  readonly isGood: boolean;
  readonly sentence: string;
}

export function useDeed(): Deed {
  const [isBusy, setIsBusy] = useState(false);
  const [result, setResult] = useState<DeedResult | undefined>(undefined);
  const run = async (work: () => Promise<DeedResult>): Promise<boolean> => {
    if (isBusy) return false;
    setIsBusy(true);
    setResult(undefined);
    try {
      const found = await work();
      setResult(found);
      return found.isGood;
    } catch (error) {
      setResult({ isGood: false, sentence: wordsOf(error) });
      return false;
    } finally {
      setIsBusy(false);
    }
  };
  const forget = useCallback(() => setResult(undefined), []);
  return { isBusy, result, run, forget };
}
