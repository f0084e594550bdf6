import type { Locator, Page } from '@playwright/test';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '../bridge';

/** Journeys without a mouse: every step is a key that is on every keyboard. */

/** Goes on by Tab until the element has the focus, as far as a person would look for it. */
async function tabTo(page: Page, element: Locator): Promise<void> {
  await expect(element).toBeVisible();
  for (let stop = 0; stop < 80; stop += 1) {
    await page.keyboard.press('Tab');
    if (await element.evaluate((found) => found === document.activeElement)) return;
  }
  throw new Error(`80 times Tab do not lead to ${String(element)}`);
}

/** Opens the draft that the practice lab is seeded with. */
async function openADraft(page: Page): Promise<void> {
  await expect(page.getByTestId('record').first()).toBeVisible();
  await page.keyboard.press('Control+1');
  await expect(page.getByTestId('record-search')).toBeFocused();
  await tabTo(page, page.getByTestId('record').filter({ hasText: 'Draft' }).first());
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('drop-zone')).toBeVisible();
}

/** Sends the file of that path to the open record. */
async function upload(page: Page, path: string): Promise<void> {
  await page.keyboard.press('Control+u');
  await expect(page.getByTestId('upload-path')).toBeFocused();
  await page.keyboard.type(path);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);
}

test.beforeEach(async ({ page, bridge }) => {
  await page.goto(`${bridge.url}/#token=${bridge.token}`);
});

test('a file is sent, proven, and fetched again', async ({ page, folder }) => {
  const path = join(folder, 'keys only.bin');
  await writeFile(path, Buffer.alloc(300_000, 7));
  await openADraft(page);
  await upload(page, path);
  const states = page.getByTestId('transfer-row').filter({ hasText: 'keys only.bin' }).getByTestId('transfer-state');
  await expect(states.first()).toHaveText('Verified');

  await page.keyboard.press('Control+f');
  await expect(page.getByTestId('file-filter')).toBeFocused();
  await page.keyboard.type('keys only');
  await expect(page.getByTestId('file-row')).toHaveCount(1);
  const list = page.getByRole('listbox', { name: /file$/ });
  await tabTo(page, list);
  await page.keyboard.press('Home');
  await expect(page.getByTestId('file-row')).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Control+d');
  await expect(page.getByTestId('download-folder')).toBeFocused();
  await page.keyboard.press('Control+a');
  const fetched = join(folder, 'fetched');
  await page.keyboard.type(fetched);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(states).toHaveText(['Verified', 'Verified']);
  expect((await stat(join(fetched, 'keys only.bin'))).size).toBe(300_000);
  // The focus came back to where it was before the sheet.
  await expect(list).toBeFocused();
});

test('the speed is limited in the settings, a transfer is paused, goes on, is cancelled and tried again', async ({ page, folder }) => {
  const path = join(folder, 'slow.bin');
  await writeFile(path, Buffer.alloc(60 << 20, 1));
  await openADraft(page);
  await page.keyboard.press('Control+,');
  await expect(page.getByRole('dialog')).toBeVisible();
  await tabTo(page, page.getByTestId('bandwidth'));
  await page.keyboard.press('Control+a');
  // MiB/s: slow enough to be caught in the middle.
  await page.keyboard.type('2');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);

  await upload(page, path);
  const state = page.getByTestId('transfer-state').first();
  await expect(state).toHaveText('Sending');
  await page.keyboard.press('Control+2');
  await expect(page.getByRole('listbox', { name: 'Transfers' })).toBeFocused();
  await page.keyboard.press('Home');
  await page.keyboard.press('Space');
  await expect(state).toHaveText('Paused');
  await page.keyboard.press('Space');
  await expect(state).toHaveText('Sending');
  await page.keyboard.press('Delete');
  await expect(state).toHaveText('Cancelled');
  await tabTo(page, page.getByTestId('retry'));
  await page.keyboard.press('Enter');
  await expect(state).toHaveText('Sending');
});
