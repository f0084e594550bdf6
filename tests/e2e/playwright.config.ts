import { defineConfig } from '@playwright/test';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

// The system's own browser where there is one; Playwright's otherwise.
const browser = ['chromium', 'google-chrome'].flatMap((name) => (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name))).find((path) => existsSync(path));

export default defineConfig({
  testDir: './tests',
  timeout: 40_000,
  // Every test has a bridge of its own.
  workers: 2,
  fullyParallel: true,
  reporter: 'list',
  // One set for every system: they are small enough that the drawing of letters makes no difference.
  snapshotPathTemplate: 'snapshots/{arg}{ext}',
  use: {
    viewport: { width: 1200, height: 800 },
    trace: 'retain-on-failure',
    // Chromium refuses its sandbox to the superuser, which is what containers run as.
    launchOptions: { ...(browser ? { executablePath: browser } : {}), args: ['--no-sandbox'] },
  },
});
