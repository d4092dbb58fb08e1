import { adminScript, adminStyle } from './admin-page-bundle.ts';
import type { Route } from './route.ts';

/** Nothing inline, nothing of others, nowhere framed. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What browsers offer to pages, and this one does without. */
const features = [
  'accelerometer',
  'autoplay',
  'camera',
  'display-capture',
  'encrypted-media',
  'fullscreen',
  'geolocation',
  'gyroscope',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'picture-in-picture',
  'publickey-credentials-get',
  'screen-wake-lock',
  'usb',
  'xr-spatial-tracking',
] as const;

/** Of every answer under `/admin`, beside those of all answers. */
export const adminHeaders: Readonly<Record<string, string>> = Object.freeze({
  'content-security-policy': contentPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': features.map((feature) => `${feature}=()`).join(', '),
  // For browsers that do not know frame-ancestors.
  'x-frame-options': 'DENY',
});

/** Addresses are relative, because nobody but the browser knows where the handler is mounted. */
const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="robots" content="noindex">
    <title>inferlane</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="admin/app.css">
    <script type="module" src="admin/app.js"></script>
  </head>
  <body>
    <div id="app"></div>
    <noscript>This page needs JavaScript.</noscript>
  </body>
</html>
`;

/** Holds no data, so nobody has to be known to see it: what it shows it asks for with the token. */
function file(path: string, type: string, text: string): Route {
  const headers = { 'content-type': `${type}; charset=utf-8`, ...adminHeaders };
  const answer: Route['answer'] = async () => new Response(text, { headers });
  return { method: 'GET', path, access: 'public', body: 'none', errors: 'plain', isLimited: false, answer };
}

export const adminPageRoutes: readonly Route[] = Object.freeze([
  file('/admin', 'text/html', html),
  file('/admin/app.js', 'text/javascript', adminScript),
  file('/admin/app.css', 'text/css', adminStyle),
]);
