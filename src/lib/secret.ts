import { sha256Hex } from './digest.ts';

const hidden = '[secret]';

/**
 * Holds a key so that no print, log, JSON, spread or structured clone shows it. `reveal()` is called in one place, where
 * the request's headers are built.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  equals(other: unknown): boolean {
    return other instanceof Secret && other.#value === this.#value;
  }

  /** Hexadecimal digits that are the same for the same key and text, and tell neither. */
  mark(text: string): Promise<string> {
    return sha256Hex(`${text}\n${this.#value}`);
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }
}

// What `util.inspect` and `console.log` print.
Object.defineProperty(Secret.prototype, Symbol.for('nodejs.util.inspect.custom'), { value: () => hidden });
