import { log, turns } from './elements.js';

/** Text only: whatever a model writes stays text. Gives the element that holds it. */
export function show(who, text) {
  const [turn, name, said] = ['li', 'strong', 'p'].map((tag) => document.createElement(tag));
  [name.textContent, said.textContent] = [who, text];
  turn.append(name, said);
  turns.append(turn);
  log.scrollTop = log.scrollHeight;
  return said;
}
