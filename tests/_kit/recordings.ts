import { readFileSync } from 'node:fs';

/** One exchange as a real server sent it. */
export interface Recording {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
  /** What `curl` said after the body where the connection broke. */
  readonly broken: string | undefined;
}

/** Reads `tests/fixtures/recordings/<name>.txt`: an optional `# curl` line, status line, headers, blank line, body. */
export function recording(name: string): Recording {
  // One character per byte, so that positions in the text are positions in the file.
  const file = readFileSync(new URL(`../fixtures/recordings/${name}.txt`, import.meta.url), 'latin1');
  const text = file.startsWith('#') ? file.slice(file.indexOf('\n') + 1) : file;
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => [line.split(':', 1)[0]?.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const [body = '', broken] = text.slice(end + 4).split(/(curl: \(\d+\)[^]*)$/);
  const length = Number(headers['content-length'] ?? body.length);
  return { status: Number(statusLine.split(' ')[1]), headers, body: new Uint8Array(Buffer.from(body.slice(0, length), 'latin1')), broken };
}
