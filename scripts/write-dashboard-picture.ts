import { fileURLToPath } from 'node:url';
import { launchChromium } from '../tests/admin/chromium.ts';
import { readDashboard } from '../tests/telemetry/dashboard.ts';
import { drawDashboard } from './dashboard-drawing.ts';
import { halfAnHour } from './dashboard-scene.ts';

// Writes docs/images/dashboard.png: the dashboard of examples/telemetry over half an hour of a router, `node scripts/write-dashboard-picture.ts`.
// The router, its metrics and the dashboard's expressions are real; the servers are played, the clock is a test's, and the panels are
// drawn here, because Grafana is a server of its own.

if (import.meta.main) {
  const { svg, width, height } = drawDashboard(readDashboard(), await halfAnHour());
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width, height } });
    await page.setContent(`<body style="margin:0">${svg}</body>`);
    await page.screenshot({ path: fileURLToPath(new URL('../docs/images/dashboard.png', import.meta.url)) });
  } finally {
    await browser.close();
  }
}
