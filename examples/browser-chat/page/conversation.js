import { log, model } from './elements.js';
import { pieces } from './pieces.js';
import { show } from './turns.js';

/** The conversation as the model gets it. */
const messages = [];

/** Says something, and shows the answer piece by piece. What is stopped or breaks off stands as far as it came. */
export async function say(content, signal) {
  messages.push({ role: 'user', content });
  show('You', content);
  const said = show(model.value, '');
  try {
    for await (const piece of pieces({ model: model.value, messages }, signal)) {
      said.textContent += piece;
      log.scrollTop = log.scrollHeight;
    }
  } finally {
    if (said.textContent === '') said.parentElement.remove();
    else messages.push({ role: 'assistant', content: said.textContent });
  }
}
