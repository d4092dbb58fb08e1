import type { Kind } from '../kind.ts';

const address = (name: string, scheme: 'http' | 'https', rest: Partial<Kind> = {}): Kind & { readonly scheme: 'http' | 'https' } => ({
  name,
  place: 'address',
  outcomes: ['unavailable'],
  scheme,
  ...rest,
});

/** Addresses where nobody answers a request. What listens there is in `doors.ts`. */
export const addresses: readonly (Kind & { readonly scheme: 'http' | 'https' })[] = [
  address('port-that-refuses', 'http'),
  address('resets-whoever-connects', 'http'),
  address('closes-whoever-connects', 'http'),
  address('certificate-signed-by-itself', 'https'),
  address('plain-http-behind-https', 'https'),
  address('alert-in-the-handshake', 'https'),
  address('close-in-the-handshake', 'https'),
  address('silence-in-the-handshake', 'https', { outcomes: ['timeout'], hangs: true }),
];
