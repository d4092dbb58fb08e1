const ngrokHosts = /\.ngrok(?:-free)?\.(?:app|dev|io|pizza)$/i;

/** Domains under which services hand out the names of tunnels: behind each stands a machine of whoever opened it. */
const tunnelDomains: readonly string[] = [
  'trycloudflare.com',
  'cfargotunnel.com',
  'loca.lt',
  'localtunnel.me',
  'localhost.run',
  'lhr.life',
  'lhr.rocks',
  'serveo.net',
  'serveousercontent.com',
  'pinggy.io',
  'pinggy.link',
  'pinggy.online',
  'devtunnels.ms',
  'tunnelmole.net',
  'share.zrok.io',
  'pagekite.me',
  'loclx.io',
  'pktriot.net',
  'sharedwithexpose.com',
  'srv.us',
  'gradio.live',
  // Tailscale's: seen from outside it is a tunnel, and never farther away.
  'ts.net',
];

/** Services that hand out ports of one host. */
const tunnelHosts: ReadonlySet<string> = new Set(['bore.pub', 'serveo.net']);

/** Is this the name of a tunnel? Lower case, without a dot at the end. */
export function isTunnelHost(host: string): boolean {
  return ngrokHosts.test(host) || tunnelHosts.has(host) || tunnelDomains.some((domain) => host.endsWith(`.${domain}`));
}

/**
 * What the free plan of ngrok wants to see: without this header it may answer with a page of its own, status 200, in place of
 * the server's answer (error 6024). Any value does. Other addresses get nothing.
 */
export function tunnelHeaders(url: string): Readonly<Record<string, string>> {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  return ngrokHosts.test(host) ? { 'ngrok-skip-browser-warning': '1' } : {};
}
