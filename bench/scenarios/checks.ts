import type { Client, Vector } from '../candidates/candidate.ts';
import { chatText, type StreamName, streamShapes, textLengthOf, valueAt, vectorCount, vectorLength, wordAt } from '../fake/sizes.ts';

// No answer is counted that is not the right one.

/** Who asks for a small answer as a stream gets this one. */
const streamedChatText = Array.from({ length: streamShapes.quick.events }, (_, index) => wordAt(index)).join('');

export async function checkedChat(chat: Client['chat']): Promise<void> {
  const text = await chat();
  if (text !== chatText && text !== streamedChatText) throw new Error(`A wrong answer: ${text.slice(0, 200)}`);
}

/** `onFirst` is called with the first text. */
export async function checkedStream(client: Client, name: StreamName, onFirst?: () => void): Promise<void> {
  const { events } = streamShapes[name];
  const length = textLengthOf(name);
  let count = 0;
  let received = 0;
  await client.stream(name, (text) => {
    if (count === 0) onFirst?.();
    count += 1;
    received += text.length;
  });
  if (count !== events || received !== length) throw new Error(`${count} of ${events} events, ${received} of ${length} characters`);
}

export function checkVectors(vectors: readonly Vector[]): void {
  const isWhole =
    vectors.length === vectorCount &&
    vectors.every(
      (vector, index) =>
        vector.length === vectorLength && vector[0] === valueAt(index, 0) && vector[vectorLength - 1] === valueAt(index, vectorLength - 1),
    );
  if (!isWhole) throw new Error(`Wrong vectors: ${vectors.length} of them, the first of ${vectors[0]?.length} values`);
}
