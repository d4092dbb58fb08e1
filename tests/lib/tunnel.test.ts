import { expect, test } from 'vitest';
import { tunnelHeaders } from '../../src/lib/tunnel.ts';

test.each(['https://abc.ngrok-free.app', 'https://a-b.ngrok-free.dev/x', 'https://abc.ngrok.io', 'https://abc.ngrok.app:443'])(
  'the warning page of the tunnel is skipped at %s',
  (url) => {
    expect(tunnelHeaders(url)).toEqual({ 'ngrok-skip-browser-warning': '1' });
  },
);

test.each(['https://api.openai.com', 'https://ngrok-free.app.example.com', 'https://myngrok.io', 'http://127.0.0.1:8000', ''])(
  'nothing is added at %s',
  (url) => {
    expect(tunnelHeaders(url)).toEqual({});
  },
);
