import { defineConfig } from '@playwright/test';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
// The system's own browser where there is one; Playwright's otherwise.
const browser = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));

export default defineConfig({
  testDir: './tests',
  timeout: 40_000,
  // Every test has a bridge of its own.
  workers: 2,
  fullyParallel: true,
  reporter: 'list',
  use: {
    baseURL: 'http://127.0.0.1:4173',
    viewport: { width: 1200, height: 800 },
    trace: 'retain-on-failure',
    // Chromium refuses its sandbox to the superuser, which is what containers run as.
    launchOptions: { ...(browser ? { executablePath: browser } : {}), args: ['--no-sandbox'] },
  },
  webServer: {
    command: 'npm run preview --workspace ui -- --host 127.0.0.1 --port 4173 --strictPort',
    cwd: top,
    url: 'http://127.0.0.1:4173/',
  },
});
