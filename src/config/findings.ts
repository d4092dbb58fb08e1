import type { ConfigIssue } from '../core/errors.ts';
import type { ConfigWarning } from './config.ts';

export type Path = readonly (string | number)[];

/** What was found wrong so far. Nothing stops at the first issue: whoever configures wants the whole list. */
export interface Findings {
  readonly issues: readonly ConfigIssue[];
  readonly warnings: readonly ConfigWarning[];
  refuse(path: Path, message: string): void;
  warn(path: Path, message: string): void;
  /** Whether this option, or one inside it, was refused already, so that it is not reported as missing as well. */
  refused(path: Path): boolean;
}

export function createFindings(): Findings {
  const issues: ConfigIssue[] = [];
  const warnings: ConfigWarning[] = [];
  return {
    issues,
    warnings,
    refuse: (path, message) => void issues.push({ path: pathText(path), message }),
    warn: (path, message) => void warnings.push({ path: pathText(path), message }),
    refused: (path) => {
      const text = pathText(path);
      return issues.some((issue) => issue.path.startsWith(text) && /^[.[]|^$/.test(issue.path.slice(text.length)));
    },
  };
}

/** `providers.gpu.url`; names with other characters in them stand in brackets: `models["llama3.1"].gpu`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    const name = String(part);
    if (!/^[\w$]+$/.test(name) || name.length > longestName) return `${text}[${quoteName(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

const longestName = 64;

/**
 * A name the user chose, for a message. Values are never shown; a name is, unless it looks as if a value had got into its
 * place: an address, a header, a whole text.
 */
export function quoteName(name: string): string {
  return name.length > longestName || /[^\x20-\x7e]|:\/\/|[@"\\]|: /.test(name) ? '(name not shown)' : `"${name}"`;
}
