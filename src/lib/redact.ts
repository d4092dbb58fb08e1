import { dataUrlSource, echoesMasked, isOneLine, oneLine, type RequestTexts, requestTexts } from './echo.ts';

const maxScanned = 64 * 1024;
/** Masking of echoes is done on this much; what follows could not be shown anyway. */
const maxEchoScanned = 1000;
const maxShown = 300;
const minSecret = 8;
const hidden = '[secret]';

export interface MaskOptions {
  /** Keys, and header values that may hold keys. Those shorter than 8 characters are words, not keys. */
  readonly secrets: readonly string[];
  /** The body that was sent. Its texts, all but the protocol's own words, are masked where the server repeats them. */
  readonly request?: unknown;
}

/**
 * Makes foreign texts fit to be shown and logged: one line of at most 300 characters without control characters, keys, paths
 * of URLs, and pieces of the request. The name of the model stays. Applied twice it gives the same as once. What has to be hidden is
 * worked out here, once for all texts that follow: of a long prompt that takes milliseconds.
 */
export function createMask({ secrets, request }: MaskOptions): (text: string) => string {
  // The longest first: one key may be the beginning of another.
  const keys = [...new Set(secrets.flatMap(formsOf))].toSorted((a, b) => b.length - a.length);
  const texts = requestTexts(request);
  return (text) => {
    let safe = text.slice(0, maxScanned);
    // A mask can complete a match, and the cut can halve a character. Nearly always the first pass changes nothing, or the second.
    for (let pass = 0; pass < 5; pass++) {
      const next = onePass(safe, keys, texts);
      if (next === safe) return safe;
      safe = next;
    }
    return '[…]';
  };
}

function onePass(text: string, keys: readonly string[], texts: RequestTexts): string {
  const named = keys.reduce((masked, key) => masked.replaceAll(key, hidden), printable(text));
  const bare = withoutUrls(withoutKeys(named)).slice(0, maxEchoScanned);
  return shorten(oneLine(echoesMasked(bare, texts)));
}

/** Codes for terminals go whole; what is left of control characters goes one by one. */
function printable(text: string): string {
  return isOneLine(text) ? text : oneLine(text.replaceAll(terminalCode, ''));
}

/** ESC (a control character that is no blank), `[`, parameters and a letter; or a title: ESC, `]`, text, BEL. */
const terminalCode: RegExp = /[^\P{Cc}\s](?:\[[0-?]{0,32}[ -/]{0,8}[@-~]|\][^\p{Cc}]*[^\P{Cc}\s]\\?)/gu;

/** A secret as servers may repeat it: as it is, without its scheme, in a URL, in JSON, in base64. */
function formsOf(secret: string): string[] {
  const whole = oneLine(secret);
  const token = /^(?:bearer|basic|token|key) (.+)$/i.exec(whole)?.[1] ?? whole;
  return [whole, token, ...ofBasic(whole)].flatMap((value) => {
    if (value.length < minSecret) return [];
    const plain = base64(value).replace(/=+$/, '');
    const urlSafe = plain.replaceAll('+', '-').replaceAll('/', '_');
    return [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), plain, urlSafe];
  });
}

/** User and password as a server decodes them, and the password alone. */
function ofBasic(header: string): string[] {
  const coded = /^basic ([\w+/=]+)$/i.exec(header)?.[1];
  if (coded === undefined) return [];
  try {
    const pair = new TextDecoder().decode(Uint8Array.from(atob(coded), (byte) => byte.charCodeAt(0)));
    return [pair, pair.slice(pair.indexOf(':') + 1)];
  } catch {
    return [];
  }
}

function base64(value: string): string {
  return btoa(Array.from(new TextEncoder().encode(value), (byte) => String.fromCodePoint(byte)).join(''));
}

/** A masked value is left alone, also one that the 300 characters cut: otherwise a second pass would change it. */
const value = String.raw`[^\s&"'<>[\]{}(),;…]`;
/** What every match of a shape holds somewhere, the shape, and what is shown in its place. */
const keyShapes: readonly (readonly [string, RegExp, string])[] = [
  ['[spr]k[-_]|(?:tgp|xai|nvapi)[-_]', /\b(?:sk|pk|rk|gsk|tgp|xai|nvapi)[-_][\w*-]{6,}/g, hidden],
  ['(?:hf|ghp|r8)_|aiza|eyj', /\b(?:hf|ghp|r8)_[a-z0-9*]{8,}|\bAIza[\w*-]{16,}|\beyJ[\w-]{8,500}\.[\w.-]{8,}/gi, hidden],
  ['(?:bearer|basic) ', new RegExp(String.raw`\b(bearer|basic) ${value}{6,}`, 'gi'), `$1 ${hidden}`],
  ['=', new RegExp(String.raw`(key|token|secret|password|signature)=${value}+`, 'gi'), `$1=${hidden}`],
  [`key["']?:`, new RegExp(String.raw`(api[-_ ]?key["']?: ?["']?)${value}{16,}`, 'gi'), `$1${hidden}`],
];

/** Most errors have no such part, and one look costs less than five. */
const partsOfKeys: RegExp = new RegExp(keyShapes.map(([part]) => part).join('|'), 'i');

function withoutKeys(text: string): string {
  if (!partsOfKeys.test(text)) return text;
  return keyShapes.reduce((masked, [, shape, mask]) => masked.replaceAll(shape, mask), text);
}

const dataUrls: RegExp = new RegExp(String.raw`\b${dataUrlSource}`, 'gi');

/** Scheme, host and port stay: they tell which server; user, path and query tell too much. A data URL is content. */
function withoutUrls(text: string): string {
  if (!text.includes(':')) return text;
  return text
    .replaceAll(
      /\b([a-z][a-z0-9+.-]{1,15}):[\\/]{2,4}([^\s"'<>`]*)/gi,
      (_url, scheme: string, rest: string) => `${scheme}://${hostOf(rest)}`,
    )
    .replaceAll(dataUrls, '[…]');
}

function hostOf(rest: string): string {
  const authority = rest.replace(/[/?#\\].*/, '');
  // Up to the last @: a password may hold one, and may be long. No name of a host is longer than this.
  const host = authority.slice(authority.lastIndexOf('@') + 1).slice(0, 255);
  return host.replace(/[.,;:!)]+$/, '');
}

function shorten(text: string): string {
  return text.length <= maxShown ? text : `${text.slice(0, maxShown - 1).trimEnd()}…`;
}
