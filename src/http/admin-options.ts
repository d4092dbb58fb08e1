import type { RouterOptions } from '../index.ts';

/** The admin page, at `/admin`. */
export interface AdminOptions {
  /** A token of its own, 22 characters (128 bits) at least. */
  readonly token: string;
  /**
   * What the router was made of: what the page shows, and what its changes are laid over before `router.update()`. An application that
   * updates the router itself puts its new options here as well (a getter does), or the next change of the page undoes that update. One
   * and the same object means that nothing has changed.
   */
  readonly options: RouterOptions;
  /** Hears of every change: which keys, never which values. */
  readonly onChange?: ((change: AdminChange) => void) | undefined;
}

/** One write of the admin page. */
export interface AdminChange {
  readonly atMs: number;
  /** `login`: the page was opened with the right token, or (`ok: false`) a wrong one was given. */
  readonly action: 'update' | 'unpin' | 'close-circuit' | 'test-provider' | 'test-failover' | 'login';
  /** Dotted paths that were changed, or the provider that was acted upon. */
  readonly keys: readonly string[];
  readonly ok: boolean;
}
