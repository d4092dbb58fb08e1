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
  async mark(text: string): Promise<string> {
    const bytes = new TextEncoder().encode(`${text}\n${this.#value}`);
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
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
