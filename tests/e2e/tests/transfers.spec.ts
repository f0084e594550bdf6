import type { Page } from '@playwright/test';
import { expectAccessible } from '../axe';
import { expect, test } from '../made_up';

async function open(page: Page, world: string): Promise<void> {
  await page.goto(`http://localhost/?fake=${world}`);
  await page.getByTestId('record').first().click();
  await expect(page.getByTestId('file-row').first()).toBeVisible();
}

async function drop(page: Page, names: string[]): Promise<void> {
  const files = await page.evaluateHandle((given) => {
    const held = new DataTransfer();
    for (const name of given) held.items.add(new File(['x'], name));
    return held;
  }, names);
  await page.getByTestId('drop-zone').dispatchEvent('drop', { dataTransfer: files });
}

// 200 % is the window of 1280×800 with half as many of the page's pixels.
const sizes = { 'small window': { width: 800, height: 600 }, 'usual window': { width: 1280, height: 800 }, '200 %': { width: 640, height: 400 } } as const;
for (const colorScheme of ['light', 'dark'] as const) {
  for (const [name, viewport] of Object.entries(sizes)) {
    test(`sheet, batches and settings have no barrier: ${name}, ${colorScheme}`, async ({ page }) => {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await open(page, 'still');
      await drop(page, ['scan_001.czi', 'scan_002.czi', 'aborted_scan.czi', 'refused.dev', 'dir']);
      await expect(page.getByTestId('preflight-send')).toBeInViewport();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+Shift+J');
      await page.getByText('By batch').click();
      await page.getByTestId('unfold').first().click();
      await expect(page.getByTestId('transfer-row').first()).toBeVisible();
      await expectAccessible(page);
      await page.keyboard.press('Control+,');
      await page.getByTestId('add-hours').click();
      await expect(page.getByTestId('settings-save')).toBeInViewport();
      await expectAccessible(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is cut at the side').toBe(true);
    });
  }
}

test('what is dropped is sent at once where nothing has to be decided', async ({ page }) => {
  await open(page, 'still');
  await drop(page, ['new 1.tif', 'new 2.tif']);
  await expect(page.getByTestId('transfer-row').filter({ hasText: 'new 2.tif' })).toBeVisible();
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('taken names are answered one by one and all together', async ({ page }) => {
  await open(page, 'still');
  const before = await page.getByTestId('transfer-row').count();
  await drop(page, ['scan_001.czi', 'scan_002.czi', 'scan_003.czi', 'fresh.tif', 'refused.dev']);
  await expect(page.getByTestId('preflight-sum')).toContainText('4 files');
  await expect(page.getByTestId('clash')).toHaveCount(3);
  await expect(page.getByTestId('refused')).toContainText('refused.dev is no file');
  await expect(page.getByTestId('preflight-send')).toHaveText('Send 4 files');
  await page.getByTestId('clash-all').selectOption('skip');
  await expect(page.getByTestId('preflight-send')).toHaveText('Send 1 file');
  await page.getByTestId('clash-answer').first().selectOption('replace');
  await expect(page.getByTestId('preflight-send')).toHaveText('Send 2 files');
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('transfer-row')).toHaveCount(before);
});

test('a whole disk dropped by mistake is asked about', async ({ page }) => {
  await open(page, 'still');
  await drop(page, ['huge']);
  await expect(page.getByRole('note')).toContainText('a lot at once');
  await expect(page.getByTestId('preflight-send')).toHaveText('Send 50,000 files');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('a service fetches a file from a link', async ({ page }) => {
  await open(page, 'still');
  await page.keyboard.press('Control+u');
  await page.getByText('Behind a link').click();
  await page.getByTestId('upload-link').fill('ftp://nowhere');
  await page.getByTestId('upload-link-start').click();
  await expect(page.getByRole('dialog')).toContainText('A link begins with');
  await expectAccessible(page);
  await page.getByTestId('upload-link').fill('https://example.org/film.mp4');
  await page.getByTestId('upload-link-start').click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('by keys: the full view, the order of those that wait, a cancel and its undo', async ({ page }) => {
  await open(page, 'still');
  await page.keyboard.press('Control+Shift+J');
  await page.getByRole('radio', { name: /^Waiting/ }).press('Space');
  const rows = page.getByTestId('transfer-row');
  const names = async () => (await rows.locator('.sr-only').allInnerTexts()).slice(0, 3);
  await expect(rows).toHaveCount(3);
  const [first, second, third] = await names();
  await page.getByRole('listbox', { name: 'Transfers' }).focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Alt+Shift+ArrowDown');
  await expect.poll(names).toEqual([second, first, third]);
  await page.keyboard.press('Alt+Shift+ArrowDown');
  await expect.poll(names).toEqual([second, third, first]);
  await expect(page.getByRole('listbox', { name: 'Transfers' })).toBeFocused();
  await page.keyboard.press('Delete');
  await expect(rows).toHaveCount(2);
  await expect(page.getByTestId('cancelled')).toContainText(first ?? '');
  await page.getByTestId('undo').press('Enter');
  await expect(rows).toHaveCount(3);
  await page.keyboard.press('Control+Shift+J');
  await expect(page.getByTestId('drop-zone')).toBeVisible();
});

test('one that waits is dragged to another place', async ({ page }) => {
  await open(page, 'still');
  await page.keyboard.press('Control+Shift+J');
  await page.getByRole('radio', { name: /^Waiting/ }).press('Space');
  const rows = page.getByTestId('transfer-row');
  await expect(rows).toHaveCount(3);
  const [from, to] = [await rows.nth(2).boundingBox(), await rows.nth(0).boundingBox()];
  const name = await rows.nth(2).locator('.sr-only').first().innerText();
  await page.mouse.move(from!.x + 200, from!.y + 20);
  await page.mouse.down();
  await page.mouse.move(to!.x + 200, to!.y + 30, { steps: 4 });
  await page.mouse.move(to!.x + 200, to!.y + 2, { steps: 4 });
  await page.mouse.up();
  await expect(rows.nth(0).locator('.sr-only').first()).toHaveText(name);
});

test('after an interruption a person may review, resume or discard', async ({ page }) => {
  await open(page, 'interrupted');
  await expect(page.getByTestId('interrupted')).toContainText('3 transfers were interrupted');
  await page.getByTestId('interrupted-review').click();
  await expect(page.getByTestId('interrupted')).toHaveCount(0);
  await expect(page.getByRole('radio', { name: /^Waiting/ })).toBeChecked();
});

test('a queue of 100,000 is loaded as somebody scrolls, and only what is in sight is drawn', async ({ page }) => {
  await open(page, 'many');
  await page.keyboard.press('Control+Shift+J');
  const list = page.getByRole('listbox', { name: 'Transfers' });
  await expect(page.getByTestId('transfer-row').first()).toBeVisible();
  await list.focus();
  const height = () => list.evaluate((view) => view.scrollHeight);
  for (let step = 0; step < 8; step += 1) {
    const before = await height();
    await page.keyboard.press('End');
    await expect.poll(height).toBeGreaterThan(before);
  }
  expect(await page.getByTestId('transfer-row').count()).toBeLessThan(60);
});
