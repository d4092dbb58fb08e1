import { ask } from './ask.js';
import { model, problem, token, tokenField } from './elements.js';

/** Fills the list of models, and asks for a token where the server wants one. */
export async function loadModels() {
  problem.textContent = '';
  try {
    const { data } = await (await ask('/v1/models')).json();
    model.replaceChildren(...data.map(({ id }) => new Option(id, id)));
    model.disabled = data.length === 0;
    if (data.length === 0) problem.textContent = 'The server knows no model.';
  } catch (error) {
    problem.textContent = error.message;
    if (!tokenField.hidden) token.focus();
  }
}
