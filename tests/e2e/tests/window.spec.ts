import { expect, test } from '@playwright/test';

test('the window opens', async ({ page }) => {
  await page.goto('/?fake');
  await expect(page).toHaveTitle('Labferry');
  await expect(page.locator('#app')).not.toBeEmpty();
});
