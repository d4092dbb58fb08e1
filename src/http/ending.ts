/** When an answer is over: at once where it is whole, with its last frame where it is streamed. */
export interface Ending {
  /** The answer is streamed: `end` comes with its last frame. */
  streams(): void;
  /** Counts once. `isCut`: the caller left, or was cut, before the end. */
  end(isCut: boolean): void;
  readonly isStreamed: boolean;
}

export function createEnding(onEnd: (isCut: boolean) => void): Ending {
  let isStreamed = false;
  let isOver = false;
  return {
    get isStreamed() {
      return isStreamed;
    },
    streams() {
      isStreamed = true;
    },
    end(isCut) {
      if (isOver) return;
      isOver = true;
      onEnd(isCut);
    },
  };
}
