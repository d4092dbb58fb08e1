import { useMemo } from 'preact/hooks';
import { bucketMs, type Curves, curvesOf, type Measurement, type Scale, scaleOf } from './measurements.ts';
import { useNow } from './now.tsx';
import type { ShownProvider } from './shown-providers.ts';

/** The curves of each provider that is switched on, and the scale of all. */
export function useCurves(
  measurements: readonly Measurement[],
  providers: readonly ShownProvider[],
): { readonly curves: Readonly<Record<string, Curves>>; readonly scale: Scale } {
  const bucket = Math.ceil(useNow() / bucketMs);
  const names = providers.filter(({ health }) => health !== undefined).map(({ provider }) => provider);
  return useMemo(() => {
    const curves = Object.fromEntries(names.map((name) => [name, curvesOf(measurements, name, bucket * bucketMs)]));
    return { curves, scale: scaleOf(Object.values(curves)) };
  }, [measurements, bucket, names.join(' ')]);
}
