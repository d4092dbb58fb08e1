import type { RouterError } from '../core/errors.ts';
import { botProtection, cloudflareFaults, type Fault, ngrokFaults, redirected } from './fault-codes.ts';
import { codeOfStatus } from './error-patterns.ts';

interface Page {
  readonly status: number;
  header(name: string): string | null;
  readonly bodyText: string;
}

interface PageFault {
  readonly fault: Fault;
  readonly reason: string | undefined;
}

/** Whether something in front of the API answered with a page for people, whatever its status. */
export function isWebPage(page: Pick<Page, 'header'>): boolean {
  if (page.header('ngrok-error-code') !== null || page.header('cf-mitigated') !== null) return true;
  return /^(?:text\/html|application\/xhtml\+xml)\b/i.test(page.header('content-type') ?? '');
}

/** What a tunnel, a CDN or a proxy said in the server's place; undefined where the server itself speaks. */
export function pageFault(page: Page): PageFault | undefined {
  const { status, bodyText } = page;
  const ngrok = ngrokNumber(page);
  if (ngrok !== undefined) return { fault: ngrokFaults.get(ngrok) ?? ofPage(status), reason: `ERR_NGROK_${ngrok}` };
  if (page.header('cf-mitigated') !== null) return { fault: botProtection, reason: 'cf-mitigated' };
  const cloudflare = cloudflareNumber(page);
  if (cloudflare !== undefined) return { fault: cloudflareFaults.get(cloudflare) ?? ofPage(status), reason: `cloudflare ${cloudflare}` };
  if (status >= 300 && status <= 399) return { fault: redirected, reason: undefined };
  const isPage = isWebPage(page) ? !/^\s*\{/.test(bodyText) : /^\s*<(?:!doctype|html)\b/i.test(bodyText);
  return isPage ? { fault: ofPage(status), reason: undefined } : undefined;
}

/** The header, or the number in the text where a proxy dropped the header. JSON is the server's own and may quote anything. */
function ngrokNumber(page: Page): string | undefined {
  const said = page.header('ngrok-error-code') ?? (/^\s*[{[]/.test(page.bodyText) ? '' : page.bodyText);
  return /\bERR_NGROK_(\d{1,5})\b/.exec(said)?.[1];
}

/** `error code: 1033` as the whole body, or one of the statuses that only Cloudflare sends; 529 is Anthropic's. */
function cloudflareNumber({ status, bodyText }: Page): string | undefined {
  const number = /^\s*error code: (\d{3,4})\s*$/.exec(bodyText)?.[1];
  if (number !== undefined) return number;
  return status >= 520 && status <= 530 && status !== 529 ? String(status) : undefined;
}

const pageText = 'A web page came instead of an answer of the API: check the url.';

/** Whether an error was made of such a page: it says nothing about the server behind it. */
export function isOfWebPage({ message }: RouterError): boolean {
  return message.includes(pageText);
}

/** A page says nothing about the request: only its status counts, and one that blames the caller is not believed. */
function ofPage(status: number): Fault {
  const code = codeOfStatus(status);
  const blamesCaller = code === 'unsupported' || (code === 'bad_request' && status !== 413);
  return { code: blamesCaller ? 'bad_response' : code, text: pageText };
}
