// ChatML with tools in the manner of Hermes, as a Jinja template; `\n` is Jinja's own escape, hence the raw strings.

/** The control token that closes the prompt of the `agent` model unless a tool call is due. */
export const sayToken = '<|say|>';

const systemMessage = String.raw`{{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}`;

const tools = [
  String.raw`{{- '<|im_start|>system\n' }}`,
  String.raw`{%- if messages[0].role == 'system' %}{{- messages[0].content + '\n\n' }}{%- endif %}`,
  String.raw`{{- '# Tools\n<tools>' }}`,
  String.raw`{%- for tool in tools %}{{- '\n' }}{{- tool | tojson }}{%- endfor %}`,
  String.raw`{{- '\n</tools>\nAnswer with <tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call><|im_end|>\n' }}`,
].join('');

const toolCalls = [
  `{%- for tool_call in message.tool_calls %}`,
  `{%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}`,
  String.raw`{{- '<tool_call>\n{"name": "' + tool_call.name + '", "arguments": ' }}`,
  String.raw`{{- tool_call.arguments | tojson }}{{- '}\n</tool_call>' }}`,
  `{%- endfor %}`,
].join('');

const message = [
  `{%- if message.role == 'system' %}{%- if not loop.first %}`,
  String.raw`{{- '<|im_start|>system\n' + message.content + '<|im_end|>\n' }}{%- endif %}`,
  `{%- elif message.role == 'tool' %}`,
  String.raw`{{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}`,
  `{%- else %}`,
  String.raw`{{- '<|im_start|>' + message.role + '\n' }}`,
  `{%- if message.content %}{{- message.content }}{%- endif %}`,
  `{%- if message.tool_calls %}${toolCalls}{%- endif %}`,
  String.raw`{{- '<|im_end|>\n' }}{%- endif %}`,
].join('');

const answersInWords = `{%- if not tools or messages[-1].role == 'tool' %}{{- '${sayToken}' }}{%- endif %}`;

/** `callsTools`: the prompt tells the model by `sayToken` whether to answer in words or with a tool call. */
export function chatTemplate({ callsTools }: { callsTools: boolean }): string {
  return [
    `{%- if tools %}${tools}{%- elif messages[0].role == 'system' %}${systemMessage}{%- endif %}`,
    `{%- for message in messages %}${message}{%- endfor %}`,
    String.raw`{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}${callsTools ? answersInWords : ''}{%- endif %}`,
  ].join('\n');
}
