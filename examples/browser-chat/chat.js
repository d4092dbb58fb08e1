const ids = ['model', 'token-field', 'token', 'log', 'turns', 'problem', 'form', 'prompt', 'send', 'stop'];
const [model, tokenField, token, log, turns, problem, form, prompt, send, stop] = ids.map((id) => document.getElementById(id));

/** The conversation as the model gets it. */
const messages = [];
/** Of the answer under way. */
let under;

/** A fetch with the token where there is one; a refusal becomes an error with the server's own sentence. */
async function ask(path, options = {}) {
  const headers = {
    ...(options.body && { 'content-type': 'application/json' }),
    ...(token.value && { authorization: `Bearer ${token.value}` }),
  };
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  if (response.status === 401) tokenField.hidden = false;
  const { error } = await response.json().catch(() => ({}));
  throw new Error(error?.message ?? `The server answered with status ${response.status}.`);
}

async function loadModels() {
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

/** The data of server-sent events, whatever the network cuts. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error('The answer broke off.');
    const whole = (rest + value).split('\n\n');
    rest = whole.pop();
    for (const event of whole) if (event.startsWith('data: ')) yield event.slice(6);
  }
}

async function* pieces(signal) {
  const body = JSON.stringify({ model: model.value, messages, stream: true });
  const response = await ask('/v1/chat/completions', { method: 'POST', body, signal });
  for await (const data of events(response.body)) {
    if (data === '[DONE]') return;
    const { error, choices } = JSON.parse(data);
    if (error) throw new Error(error.message);
    yield choices?.[0]?.delta.content ?? '';
  }
}

/** Text only: whatever a model writes stays text. Gives the element that holds it. */
function show(who, text) {
  const [turn, name, said] = ['li', 'strong', 'p'].map((tag) => document.createElement(tag));
  [name.textContent, said.textContent] = [who, text];
  turn.append(name, said);
  turns.append(turn);
  log.scrollTop = log.scrollHeight;
  return said;
}

async function answer() {
  const said = show(model.value, '');
  try {
    for await (const piece of pieces(under.signal)) {
      said.textContent += piece;
      log.scrollTop = log.scrollHeight;
    }
  } finally {
    // What was stopped or broke off stands as far as it came.
    if (said.textContent === '') said.parentElement.remove();
    else messages.push({ role: 'assistant', content: said.textContent });
  }
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const content = prompt.value.trim();
  if (under !== undefined || content === '') return;
  under = new AbortController();
  [send.disabled, stop.disabled, prompt.value, problem.textContent] = [true, false, '', ''];
  log.setAttribute('aria-busy', 'true');
  messages.push({ role: 'user', content });
  show('You', content);
  try {
    await answer();
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
