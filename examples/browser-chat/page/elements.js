const ids = ['model', 'token-field', 'token', 'log', 'turns', 'problem', 'form', 'prompt', 'send', 'stop'];

/** The parts of chat.html that the scripts speak of. */
export const [model, tokenField, token, log, turns, problem, form, prompt, send, stop] = ids.map((id) => document.getElementById(id));
