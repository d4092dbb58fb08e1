const ngrokHosts = /\.ngrok(?:-free)?\.(?:app|dev|io|pizza)$/i;

/**
 * What the free plan of ngrok wants to see: without this header it may answer with a page of its own, status 200, in place of
 * the server's answer (error 6024). Any value does. Other addresses get nothing.
 */
export function tunnelHeaders(url: string): Readonly<Record<string, string>> {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  return ngrokHosts.test(host) ? { 'ngrok-skip-browser-warning': '1' } : {};
}
