/** Seeds that once showed a defect, each with what it was. They run with every form of the campaign, for ever. */
export const regressions: readonly { readonly seed: number; readonly showed: string; readonly isPlain?: true }[] = [
  { seed: 90, showed: 'a stream shorter than the throughput sample was broken off while its reader took its time', isPlain: true },
  { seed: 142, showed: 'a stream that broke while nobody read it never came to an end, with restarts on', isPlain: true },
  { seed: 40, showed: 'a call that had waited for a rest was sent although the rest had been prolonged', isPlain: true },
  { seed: 114, showed: 'a call went to a model that other calls had found missing since it was planned', isPlain: true },
  { seed: 10, showed: 'the iterator of an adapter was not closed when its stream failed before content', isPlain: true },
  { seed: 199, showed: 'the same after a pause', isPlain: true },
  { seed: 128, showed: "a share of a caller's short deadline opened the breaker of a provider that never failed", isPlain: true },
  { seed: 1623, showed: 'readers that took their time used up the retry tokens of a provider that never failed', isPlain: true },
  {
    seed: 1534028597,
    showed: 'a model that ran out of memory in the very moment in which another call was planned was asked for by it',
    isPlain: true,
  },
  { seed: 1534031028, showed: 'the books of retry tokens took out more than the router had to', isPlain: true },
];
