import type { Locality } from '../core/locality.ts';
import { isTunnelHost } from '../lib/tunnel.ts';

/** Domains that no public name server knows: RFC 6762, RFC 8375, ICANN's `internal`, and what routers of homes hand out. */
const localDomains = /\.(?:local|lan|internal|home\.arpa)$/;

/**
 * How far a request to this address travels, by the address alone: nothing is looked up. What is not known to be nearer is `cloud`,
 * because a limit that guesses is none.
 */
export function localityOf(url: string): Locality {
  if (!URL.canParse(url)) return 'cloud';
  const { hostname } = new URL(url);
  if (hostname.startsWith('[')) return ofIpv6(hostname.slice(1, -1));
  return /^\d+(?:\.\d+){3}$/.test(hostname) ? ofIpv4(hostname.split('.').map(Number)) : ofName(hostname);
}

function ofName(hostname: string): Locality {
  const name = hostname.replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return 'host';
  if (localDomains.test(name)) return 'lan';
  // A dot at the end says that the name is whole: not one of this network, to be completed by it.
  if (!hostname.includes('.')) return 'lan';
  return isTunnelHost(name) ? 'tunnel' : 'cloud';
}

function ofIpv4([first = 0, second = 0, ...rest]: readonly number[]): Locality {
  if (first === 127) return 'host';
  // The address to bind to, which systems read as themselves.
  if (first === 0) return second === 0 && rest.every((part) => part === 0) ? 'host' : 'cloud';
  const isPrivate = first === 10 || (first === 172 && second >= 16 && second <= 31) || (first === 192 && second === 168);
  const isLinkLocal = first === 169 && second === 254;
  // Behind the address translation of a provider of access, and where VPNs put their machines.
  const isShared = first === 100 && second >= 64 && second <= 127;
  return isPrivate || isLinkLocal || isShared ? 'lan' : 'cloud';
}

/** As `URL` writes it: lower case, without zeros in front, the longest run of zero groups as `::`, and no dots. */
function ofIpv6(address: string): Locality {
  if (address === '::1' || address === '::') return 'host';
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(address);
  if (mapped !== null) return ofIpv4(mapped.slice(1).flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]));
  const first = address.startsWith('::') ? 0 : parseInt(address, 16);
  const isUniqueLocal = (first & 0xfe00) === 0xfc00;
  const isLinkLocal = (first & 0xffc0) === 0xfe80;
  return isUniqueLocal || isLinkLocal ? 'lan' : 'cloud';
}
