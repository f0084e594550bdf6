import { expectAccessible } from '../axe';
import { expect, test } from '../made_up';

/** Window sizes in CSS pixels; the last is 1280 × 800 at 200 %. */
const sizes = [
  { name: '800×600', width: 800, height: 600, scale: 1 },
  { name: '1280×800', width: 1280, height: 800, scale: 1 },
  { name: '1280×800 at 200 %', width: 640, height: 400, scale: 2 },
] as const;

for (const colorScheme of ['light', 'dark'] as const) {
  for (const { name, width, height, scale } of sizes) {
    test.describe(`${colorScheme}, ${name}`, () => {
      test.use({ colorScheme, viewport: { width, height }, deviceScaleFactor: scale });

      test('files, previews, cards and a record’s facts can be read by everybody', async ({ page }) => {
        await page.goto('http://localhost/?fake=still');
        await page.getByTestId('record').first().click();
        await page.keyboard.press('Control+j');
        await page.getByTestId('file-filter').fill('segmentation');
        await page.getByTestId('file-row').click();
        await expect(page.getByTestId('preview')).toHaveAttribute('data-kind', 'table');
        await expectAccessible(page);
        await page.getByTestId('file-filter').fill('');
        await page.getByTestId('file-view').click();
        await expect(page.getByTestId('file-row').first()).toBeVisible();
        await expectAccessible(page);
        await page.keyboard.press('Escape');
        await page.getByTestId('about-record').click();
        await expect(page.getByTestId('record-details')).toBeVisible();
        await expectAccessible(page);
      });

      test('receipts, an account and the list of keys can be read by everybody', async ({ page }) => {
        await page.goto('http://localhost/?fake=still');
        await page.getByTestId('receipts').click();
        await page.getByTestId('receipt-direction').selectOption('download');
        await expect(page.getByTestId('receipt')).toHaveCount(1);
        await expectAccessible(page);
        await page.keyboard.press('Escape');
        await page.getByTestId('account-details').click();
        await page.getByTestId('account-test').click();
        await expect(page.getByRole('dialog').getByTestId('problem')).toContainText('does not accept the sign-in');
        await expectAccessible(page);
        await page.keyboard.press('Escape');
        await page.keyboard.press('F1');
        await expect(page.getByTestId('shortcuts')).toBeVisible();
        await expectAccessible(page);
      });
    });
  }
}

test('files are put in order, and the order is remembered for the account', async ({ page }) => {
  await page.goto('http://localhost/?fake=still');
  await page.getByTestId('record').first().click();
  await expect(page.getByTestId('file-row').first()).toContainText('scan_121');
  await page.getByTestId('file-order').selectOption('name');
  await expect(page.getByTestId('file-row').first()).toContainText('aborted_scan');
  await page.getByTestId('file-kind').selectOption('unfinished');
  await expect(page.getByTestId('file-row').filter({ hasText: 'Verified' })).toHaveCount(0);
  await page.getByTestId('file-view').click();
  await page.reload();
  await page.getByTestId('record').first().click();
  await expect(page.getByTestId('file-order')).toHaveValue('name');
  await expect(page.getByTestId('file-row').first()).toContainText('aborted_scan');
  await expect(page.getByTestId('file-view')).toHaveAttribute('aria-label', 'As a table');
});

test('a file is found, looked at and left again with the keyboard alone', async ({ page }) => {
  await page.goto('http://localhost/?fake=still');
  await expect(page.getByTestId('record').first()).toBeVisible();
  await page.keyboard.press('Control+1');
  await expect(page.getByTestId('record-search')).toBeFocused();
  await page.getByTestId('record').first().focus();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('file-row').first()).toBeVisible();
  await page.keyboard.press('Control+f');
  await expect(page.getByTestId('file-filter')).toBeFocused();
  await page.keyboard.type('segment');
  await expect(page.getByTestId('file-row')).toHaveCount(1);
  const list = page.getByRole('listbox', { name: /file$/ });
  await list.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Space');
  await expect(page.getByTestId('preview')).toHaveAttribute('data-kind', 'table');
  await page.keyboard.press('F5');
  await expect(list).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('file-details')).toHaveCount(0);
  await page.keyboard.press('Control+4');
  await expect(page.getByRole('dialog', { name: 'Receipts' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Shift+?');
  await expect(page.getByTestId('shortcuts')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('where a sign-in is kept is told in the window’s language', async ({ page }) => {
  await page.goto('http://localhost/?fake=still');
  await page.evaluate(() => localStorage.setItem('labferry-language', 'cs'));
  await page.reload();
  await page.getByTestId('account-details').click();
  await expect(page.getByTestId('account-vault')).toHaveText('v klíčence tohoto počítače');
});
