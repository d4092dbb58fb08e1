import type { AttemptAbout } from '../config/call-options.ts';
import type { Engine } from './engine.ts';
import type { ResolvedCall } from './resolve-call.ts';

type Headers = Readonly<Record<string, string>>;

const none: Headers = Object.freeze({});

/** All of them together, names and values: servers refuse requests with larger heads. */
const mostBytes = 8 * 1024;

/** What adapters, transports and the router itself send, or a proxy on the way. */
const reserved: ReadonlySet<string> = new Set(
  [
    'authorization cookie x-api-key api-key x-goog-api-key',
    'accept accept-encoding content-type content-length content-encoding user-agent',
    'host connection keep-alive transfer-encoding te trailer upgrade expect',
  ].flatMap((names) => names.split(' ')),
);
const reservedBeginning = /^(?:proxy-|sec-|x-inferlane-)/;

const headerName = /^[\w!#$%&'*+.^`|~-]+$/;
/** The printable characters of Latin-1, spaces and tabs. */
const headerValue = /^[\t\x20-\x7e\xa0-\xff]*$/;

/** Names that may not be sent are named, and there is no end of those. */
const mostWarnings = 100;

/**
 * What the caller wants sent with an attempt (`headersFor`), the names in lower case. Headers that cannot or may not be sent are left out,
 * and all of them where the function throws: they are for those who watch, and no call fails for their sake.
 */
export function headersOf({ headersFor }: ResolvedCall<unknown>, about: AttemptAbout, { announce, headerWarnings }: Engine): Headers {
  if (headersFor === undefined) return none;
  const warn = (message: string): void => {
    // A call that is made a thousand times a second would tell it as often.
    if (headerWarnings.has(message) || headerWarnings.size >= mostWarnings) return;
    headerWarnings.add(message);
    announce('config:warning', { path: 'headersFor', message });
  };
  try {
    return checked(Object.entries(headersFor(about)), warn);
  } catch {
    // What it threw may say anything.
    warn('it threw, or gave no object; the attempt goes out without its headers');
    return none;
  }
}

function checked(entries: readonly (readonly [string, unknown])[], warn: (message: string) => void): Headers {
  const headers: Record<string, string> = {};
  let bytes = 0;
  for (const [given, value] of entries) {
    const name = given.toLowerCase();
    if (!headerName.test(name) || typeof value !== 'string' || !headerValue.test(value)) {
      warn('a header holds characters that HTTP does not allow, or is no text; it is left out');
    } else if (reserved.has(name) || reservedBeginning.test(name)) {
      warn(`${name} is sent by the adapter, the transport or the router alone; it is left out`);
    } else if (bytes + name.length + value.length > mostBytes) {
      warn(`together they are larger than ${mostBytes} bytes; what comes after that is left out`);
    } else {
      bytes += name.length + value.length;
      headers[name] = value;
    }
  }
  return headers;
}
