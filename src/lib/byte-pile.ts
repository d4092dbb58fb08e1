/** Bytes that come piece by piece. Thousands of tiny pieces take hardly more room than the bytes they hold. */
export interface BytePile {
  readonly size: number;
  add(piece: Uint8Array): void;
  /** As UTF-8, without a byte order mark; what is no UTF-8 becomes U+FFFD. */
  text(): string;
}

const blockBytes = 64 * 1024;

export function createBytePile(): BytePile {
  const pieces: Uint8Array[] = [];
  let size = 0;
  let block = new Uint8Array(0);
  let used = 0;
  const endBlock = (): void => {
    if (used > 0) pieces.push(block.subarray(0, used));
    block = block.subarray(used);
    used = 0;
  };
  /** A small part of a large buffer would keep all of that alive. */
  const copy = (piece: Uint8Array): void => {
    if (used + piece.length > block.length) {
      endBlock();
      if (piece.length > block.length) block = new Uint8Array(Math.max(blockBytes, piece.length));
    }
    block.set(piece, used);
    used += piece.length;
  };
  return {
    get size() {
      return size;
    },
    add(piece) {
      size += piece.length;
      if (piece.length < 1024 || piece.length * 2 < piece.buffer.byteLength) return copy(piece);
      endBlock();
      pieces.push(piece);
    },
    text() {
      endBlock();
      const decoder = new TextDecoder();
      if (pieces.length === 1) return decoder.decode(pieces[0]);
      return pieces.map((piece) => decoder.decode(piece, { stream: true })).join('') + decoder.decode();
    },
  };
}
