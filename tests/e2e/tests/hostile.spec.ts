import type { Page } from '@playwright/test';
import { expect, test } from '../made_up';

/** Nothing of what a service sent ran, nothing reaches beyond the window, and it still answers to keys. */
async function expectUnharmed(page: Page): Promise<void> {
  expect(await page.title()).not.toContain('executed');
  expect(await page.locator('img[src="x"]').count()).toBe(0);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is cut at the side').toBe(true);
  await page.keyboard.press('F1');
  await expect(page.getByTestId('shortcuts')).toBeVisible();
  await page.keyboard.press('Escape');
}

for (const at of [0, 1, 2, 3, 4]) {
  test(`titles, names and metadata of any shape are text and nothing else (${at + 1} of 5)`, async ({ page }) => {
    const faults: string[] = [];
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('dialog', (dialog) => (faults.push(dialog.message()), dialog.dismiss()));
    await page.goto('http://localhost/?fake=hostile');
    await page.getByTestId('record').nth(at).click();
    await expect(page.getByTestId('file-row')).toHaveCount(5);
    await page.getByTestId('about-record').click();
    // A page that is no page of the service's is not offered to be opened.
    await expect(page.getByRole('button', { name: /^Open in the browser/ })).toHaveCount(0);
    await page.getByTestId('record-details').getByText('Metadata', { exact: true }).click();
    await expectUnharmed(page);
    for (const row of [0, 1, 2, 3, 4]) {
      await page.getByTestId('file-row').nth(row).click();
      await expect(page.getByTestId('file-details')).toBeVisible();
      await page.getByTestId('file-details').getByText('Metadata', { exact: true }).click();
    }
    await expectUnharmed(page);
    expect(faults).toEqual([]);
  });
}

test('a service that never answers is waited for in words, and elsewhere the window goes on', async ({ page }) => {
  await page.goto('http://localhost/?fake=silent');
  await page.getByTestId('record').nth(1).click();
  await expect(page.getByText('Loading files…')).toBeVisible();
  await expectUnharmed(page);
  await page.getByTestId('record').first().click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Zebrafish');
  await page.keyboard.press('Control+,');
  await expect(page.getByTestId('settings-save')).toBeVisible();
});
