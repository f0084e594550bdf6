import { expectAccessible } from '../axe';
import { expect, test } from '../made_up';

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test('every state of a file and of a transfer can be read by everybody', async ({ page }) => {
      await page.goto('http://localhost/?fake=still');
      await page.getByTestId('record').first().click();
      await expect(page.getByTestId('file-row').first()).toBeVisible();
      await expectAccessible(page);
      await page.getByTestId('receipts').click();
      await expect(page.getByTestId('receipt').first()).toBeVisible();
      await expectAccessible(page);
    });

    test('the first window offers two doors', async ({ page }) => {
      await page.goto('http://localhost/?fake=empty');
      await expectAccessible(page);
      await page.getByTestId('connect').click();
      await page.getByTestId('account-connect').click();
      await expect(page.getByText('This is needed.')).toHaveCount(2);
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.getByTestId('practice-lab').click();
      await expect(page.getByTestId('record').first()).toBeVisible();
    });
  });
}

test('green is for what is proven and for nothing else', async ({ page }) => {
  await page.goto('http://localhost/?fake=still');
  await page.getByTestId('record').first().click();
  await expect(page.getByTestId('file-row').first()).toBeVisible();
  const green = await page.locator('[data-tone="good"]').allInnerTexts();
  expect(green.length).toBeGreaterThan(0);
  for (const text of green) expect(text).toMatch(/^Verified/);
  await expect(page.getByTestId('file-row').filter({ hasText: 'Size only' }).getByTestId('file-state')).not.toHaveAttribute('data-tone', 'good');
});

test('everything can be done with the keyboard', async ({ page }) => {
  await page.goto('http://localhost/?fake=still');
  await page.getByTestId('record').first().click();
  const list = page.getByRole('listbox', { name: /files$/ });
  await list.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await expect(page.getByTestId('file-row').nth(1)).toHaveAttribute('aria-selected', 'true');
  await expect(list).toHaveAttribute('aria-activedescendant', /-1$/);
  await page.keyboard.press('End');
  await expect(page.getByTestId('file-row').last()).toHaveAttribute('aria-selected', 'true');
  await expect(page.getByTestId('file-row').last()).toContainText('scan_116.czi');
  await page.keyboard.press('Control+u');
  await expect(page.getByTestId('upload-path')).toBeFocused();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+j');
  await expect(page.getByTestId('drawer-toggle')).toHaveAttribute('aria-expanded', 'false');
});

test('the theme can be chosen against the system and is kept', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('http://localhost/?fake=still');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByTestId('theme').click();
  await page.getByTestId('theme').click();
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.reload();
  await expect(page.getByTestId('theme')).toBeVisible();
  expect(await ground()).toBe(dark);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`projects are walked through and a service's own actions are offered (${colorScheme})`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto('http://localhost/?fake=still');
    await page.getByTestId('record').filter({ hasText: 'Mouse atlas' }).click();
    await page.getByTestId('container').first().click();
    await expect(page.getByTestId('trail')).toContainText('Raw sections');
    await expectAccessible(page);
    await page.keyboard.press('Alt+ArrowLeft');
    await expect(page.getByTestId('container')).toHaveCount(2);
    await page.getByTestId('actions').click();
    await page.getByTestId('action').filter({ hasText: 'Add a label' }).click();
    await expectAccessible(page);
    await page.getByTestId('action-run').click();
    await expect(page.getByText('This is needed.')).toBeVisible();
    await page.getByTestId('field-key').fill('sample');
    await page.getByTestId('action-run').click();
    await expect(page.getByTestId('action-answer')).toHaveText('add-label was done.');
    await expectAccessible(page);
  });
}

for (const [tag, word] of [['cs', 'Ověřeno'], ['zh-Hans', '已验证']] as const) {
  test(`the window speaks ${tag}`, async ({ page }) => {
    await page.goto('http://localhost/?fake=still');
    await expect(page.getByTestId('record').first()).toBeVisible();
    await page.keyboard.press('Control+,');
    await page.getByTestId('language').selectOption(tag);
    await expect(page.locator('html')).toHaveAttribute('lang', tag);
    await page.getByTestId('record').first().click();
    await expect(page.getByTestId('file-state').filter({ hasText: word }).first()).toBeVisible();
    await expectAccessible(page);
  });
}
