import { say } from './conversation.js';
import { form, log, problem, prompt, send, stop, token, tokenField } from './elements.js';
import { loadModels } from './models.js';

/** Of the answer under way. */
let under;

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const content = prompt.value.trim();
  if (under !== undefined || content === '') return;
  under = new AbortController();
  [send.disabled, stop.disabled, prompt.value, problem.textContent] = [true, false, '', ''];
  log.setAttribute('aria-busy', 'true');
  try {
    await say(content, under.signal);
  } catch (error) {
    problem.textContent = under.signal.aborted ? 'Stopped.' : error.message;
  }
  under = undefined;
  [send.disabled, stop.disabled] = [false, true];
  log.setAttribute('aria-busy', 'false');
  prompt.focus();
});

prompt.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
document.addEventListener('keydown', (event) => event.key === 'Escape' && under?.abort());
stop.addEventListener('click', () => under?.abort());
token.addEventListener('change', loadModels);

await loadModels();
if (tokenField.hidden) prompt.focus();
