const billionths = { K: 1_000_000, M: 1_000, B: 1, T: 0.001 } as const;

/**
 * A model's parameters in billions, from how Ollama and LM Studio write them: `8.0B`, `137M`, `8x7B` (experts, taken as whole
 * models, so at most), `35B-A3B` (of which 3 are used at a time). Undefined for anything else, such as `17B-16E`, which counts what
 * is used.
 */
export function billionsIn(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const [, experts = '1', count, unit] = /^(?:(\d{1,4})x)?(\d{1,6}(?:\.\d{1,6})?)([KMBT])(?:-A\d[\d.]*[MB])?$/i.exec(text.trim()) ?? [];
  const billions = (Number(experts) * Number(count)) / billionths[unit?.toUpperCase() as keyof typeof billionths];
  return billions > 0 ? billions : undefined;
}
