import type { FailureRow, Failures } from './failures.ts';
import { tgiFailures } from './openai-local-failures.ts';

const crash: FailureRow = { status: 500, body: 'Internal Server Error' };

const invalid: FailureRow = {
  status: 422,
  body: { detail: [{ type: 'json_invalid', loc: ['body', 1], msg: 'JSON decode error', input: {}, ctx: { error: 'Expecting value' } }] },
};

/** FastAPI's: what nobody caught is plain text. Every crash is the same one, so memory that ran out cannot be told from any other. */
export const notebookFailures: Failures = {
  shape: (status, message) => (status === 500 ? message : { detail: message }),
  inStream: () => '',
  deadly: [],
  inOpenedStream: [],
  rows: { server: crash, 'bad-request': invalid },
};

/** The proxy has a list of models, so it can say which one is not there. */
export const proxyFailures: Failures = {
  ...notebookFailures,
  rows: { ...notebookFailures.rows, 'model-missing': { status: 404, body: { detail: 'Model not found' } } },
};

/** TGI's own routes: the same body as that of a whole answer, as an event. No `[DONE]` follows, and no blank stands before the JSON. */
export const nativeTgiFailures: Failures = {
  ...tgiFailures,
  inStream: ({ body }) => `data:${JSON.stringify(body)}\n\n`,
};
