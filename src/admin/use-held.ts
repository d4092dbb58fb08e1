import { useRef, useState } from 'preact/hooks';

/** A list that goes on by itself, and stands still while somebody reads it. */
export function useHeld<Value>(value: Value): { readonly shown: Value; readonly isHeld: boolean; readonly toggle: () => void } {
  const [isHeld, setIsHeld] = useState(false);
  const shown = useRef(value);
  if (!isHeld) shown.current = value;
  return { shown: shown.current, isHeld, toggle: () => setIsHeld((before) => !before) };
}
