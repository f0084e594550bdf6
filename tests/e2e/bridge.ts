import { test as base, type Page } from '@playwright/test';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const binary = join(process.env['CARGO_TARGET_DIR'] ?? join(top, 'target'), 'debug', process.platform === 'win32' ? 'labferry-bridge.exe' : 'labferry-bridge');

/** A bridge with a practice lab and a data folder of its own. */
export interface Bridge {
  url: string;
  token: string;
  /** Ends the bridge as a power cut would. */
  kill: () => Promise<void>;
}

async function start(folder: string): Promise<{ bridge: Bridge; process: ChildProcess }> {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: build it with 'cargo build -p labferry-bridge'`);
  const child = spawn(binary, ['--data-dir', folder, '--practice-lab', '--vault-in-memory', '--ui', join(top, 'ui', 'dist')], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes) => (said += String(bytes)));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve)),
    ended.then(() => {
      throw new Error(`the bridge ended at once: ${said}`);
    }),
  ]);
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { bridge: { ...(JSON.parse(line) as { url: string; token: string }), kill }, process: child };
}

/** One bridge for each test, so that none finds what another left. */
export const test = base.extend<{ folder: string; bridge: Bridge; window: Page }>({
  /** A folder that is gone after the test. Playwright wants the braces even where a fixture needs no other. */
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'labferry-e2e-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
  bridge: async ({ folder }, use) => {
    const { bridge } = await start(join(folder, 'data'));
    await use(bridge);
    await bridge.kill();
  },
  /** The interface, open on the first draft of the practice lab. */
  window: async ({ page, bridge }, use) => {
    await page.goto(`${bridge.url}/#token=${bridge.token}`);
    await page.getByTestId('record').filter({ hasText: 'Draft' }).first().click();
    await page.getByTestId('drop-zone').waitFor();
    await use(page);
  },
});

export { expect } from '@playwright/test';
