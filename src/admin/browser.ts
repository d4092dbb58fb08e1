// The only file of the page that touches time, chance, the network and the browser's storage.

/** Milliseconds since 1970, on this machine. */
export function wallMs(): number {
  return Date.now();
}

/** Calls back once; the result cancels it. */
export function schedule(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}

/** From 0 (inclusive) to 1 (exclusive). */
export function random(): number {
  return Math.random();
}

/** Where the page's own server answers, wherever it is mounted: this script lies at `…/admin/app.js`. */
const apiBase = new URL('api/', import.meta.url);

export function ask(path: string, init: RequestInit): Promise<Response> {
  return fetch(new URL(path, apiBase), {
    ...init,
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
    referrerPolicy: 'no-referrer',
  });
}

/** Of this tab only. A browser may forbid it, and then nothing is kept. */
export function keep(name: string, value: string | undefined): void {
  try {
    if (value === undefined) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, value);
  } catch {
    return;
  }
}

export function kept(name: string): string | undefined {
  try {
    return sessionStorage.getItem(name) ?? undefined;
  } catch {
    return undefined;
  }
}

/** The part of the address behind `#`. */
export function place(): string {
  return location.hash.slice(1);
}

/** Calls back when that changes; the result ends it. */
export function onPlace(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}

/** Calls back when the page is hidden or shown; the result ends it. */
export function onShown(listener: (isShown: boolean) => void): () => void {
  const tell = (): void => listener(!document.hidden);
  document.addEventListener('visibilitychange', tell);
  return () => document.removeEventListener('visibilitychange', tell);
}

/** Calls back when the browser asks for dark or light; the result ends it. */
export function onScheme(listener: () => void): () => void {
  const query = matchMedia('(prefers-color-scheme: dark)');
  query.addEventListener('change', listener);
  return () => query.removeEventListener('change', listener);
}
