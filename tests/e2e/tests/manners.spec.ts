import { expectAccessible } from '../axe';
import { expect, test } from '../made_up';

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test('a sign-in that ends soon is told, tried, and renewed without filling in what is known', async ({ page }) => {
      await page.goto('http://localhost/?fake=still');
      await expect(page.getByTestId('account-warned')).toHaveText(/Sign-in ends/);
      await page.getByTestId('account-details').click();
      await expect(page.getByTestId('account-ends')).toContainText('sign in again');
      await page.getByTestId('account-test').click();
      const steps = page.getByTestId('test-steps').getByRole('listitem');
      await expect(steps.nth(2)).toHaveText(/Secure connection\s*fine/);
      await expect(steps.nth(3)).toHaveText(/Sign-in\s*failed/);
      await expect(steps.nth(4)).toHaveText(/Rights\s*not reached/);
      await expectAccessible(page);
      await page.getByRole('dialog').getByRole('button', { name: 'Sign in again' }).click();
      await expect(page.getByTestId('account-name')).toHaveValue('Lab repository');
      await expect(page.getByTestId('account-name')).toHaveJSProperty('readOnly', true);
      await expect(page.getByTestId('account-token')).toHaveValue('');
      await expectAccessible(page);
    });

    test('files from another program wait for a record, and are asked about before they are sent', async ({ page }) => {
      await page.goto('http://localhost/?fake=offered');
      await expect(page.getByTestId('offered')).toContainText('2 files were handed over');
      await expectAccessible(page);
      await page.getByTestId('record').first().click();
      await page.getByTestId('offered-send').click();
      await expect(page.getByRole('dialog')).toContainText('Before anything is sent');
      await expect(page.getByTestId('offered')).toHaveCount(0);
    });
  });
}

test('keys and mouse buttons lead where the table of orders says', async ({ page }) => {
  await page.goto('http://localhost/?fake=still');
  const records = page.getByTestId('record');
  await records.nth(0).click();
  const first = await page.getByRole('heading', { level: 1 }).textContent();
  await records.nth(1).click();
  await expect(page.getByRole('heading', { level: 1 })).not.toHaveText(first ?? '');
  await page.evaluate(() => window.dispatchEvent(new MouseEvent('mouseup', { button: 3, bubbles: true })));
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(first ?? '');
  await page.keyboard.press('Alt+ArrowRight');
  await expect(page.getByRole('heading', { level: 1 })).not.toHaveText(first ?? '');
  await page.keyboard.press('Alt+ArrowLeft');
  await page.keyboard.press('Control+d');
  await expect(page.getByTestId('download-folder')).toBeVisible();
  // A sheet comes first: its keys are its own.
  await page.keyboard.press('Control+,');
  await expect(page.getByTestId('settings-save')).toHaveCount(0);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+,');
  await page.getByTestId('metered').check();
  await page.getByTestId('settings-save').click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
});
