import { createThinkSplitter, splitThink, type ThinkSplitter } from '../lib/think-tags.ts';
import type { ChatLine } from './ollama-wire.ts';

// A model whose template the server does not know as a thinking one leaves its `<think>` block in the content. Where the server
// told the thinking apart itself, a tag in the content is the model's own word and stays.

/** A whole answer with the block moved to its thinking. */
export function withThoughts(line: ChatLine): ChatLine {
  if (line.thinking !== '' || !line.content) return line;
  const { content, reasoning } = splitThink(line.content);
  return { ...line, content, thinking: reasoning };
}

/** The same for the lines of one stream, which may cut the tags anywhere. */
export function createThoughtReader(): (line: ChatLine) => ChatLine {
  let splitter: ThinkSplitter | undefined = createThinkSplitter();
  return (line) => {
    if (splitter === undefined) return line;
    const parts = line.thinking === '' ? splitter.push(line.content ?? '') : undefined;
    const held = line.thinking !== '' || line.done ? splitter.end() : undefined;
    if (held !== undefined || splitter.isSettled) splitter = undefined;
    const content = `${parts?.content ?? ''}${held?.content ?? ''}${parts === undefined ? (line.content ?? '') : ''}`;
    const thinking = `${parts?.reasoning ?? ''}${held?.reasoning ?? ''}${line.thinking}`;
    // A last line without a message stays one, unless something was held back for it.
    return { ...line, content: content === '' ? line.content && '' : content, thinking };
  };
}
