import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectAccessible } from '../axe';
import { expect, test } from '../bridge';
import { expect as expectMadeUp, test as madeUp } from '../made_up';

for (const colorScheme of ['light', 'dark'] as const) {
  for (const viewport of [
    { width: 800, height: 600 },
    { width: 1280, height: 800 },
  ]) {
    madeUp.describe(`${colorScheme}, ${viewport.width} × ${viewport.height}`, () => {
      madeUp.use({ colorScheme, viewport });

      madeUp('watched folders, their files and the assistant can be read by everybody', async ({ page }) => {
        await page.goto('http://localhost/?fake=still');
        await page.getByTestId('folders').click();
        await expectMadeUp(page.getByTestId('folder-file').first()).toBeVisible();
        await expectAccessible(page);
        await page.getByTestId('watch-folder').click();
        await page.getByTestId('rule-folder').fill('/data/microscope');
        await page.getByText('More settings').click();
        await expectAccessible(page);
        await page.getByTestId('rule-go').click();
        await expectMadeUp(page.getByTestId('would-leave')).toContainText('programs give to unfinished files');
        await expectAccessible(page);
      });
    });
  }
}

madeUp('only a proven file of a folder is green', async ({ page }) => {
  await page.goto('http://localhost/?fake=still');
  await page.getByTestId('folders').click();
  await expectMadeUp(page.getByTestId('folder-file').first()).toBeVisible();
  const green = await page.locator('dialog [data-tone="good"]').allInnerTexts();
  expectMadeUp(green.length).toBeGreaterThan(0);
  for (const text of green) expectMadeUp(text).toBe('Verified');
});

test('a folder is watched, and a file that was being written is sent once, whole and verified', async ({ window, folder }) => {
  const watched = join(folder, 'instrument');
  await mkdir(watched);
  await appendFile(join(watched, 'before.csv'), 'old\n');
  await window.getByTestId('folders').click();
  await window.getByTestId('watch-folder').click();
  await window.getByTestId('rule-folder').fill(watched);
  await window.getByText('More settings').click();
  await window.getByTestId('rule-quiet').fill('2');
  await window.getByText('Leave it out', { exact: true }).click();
  await window.getByTestId('rule-go').click();
  await expect(window.getByTestId('would-leave')).toContainText('before.csv');
  await window.getByTestId('rule-go').click();
  await expect(window.getByTestId('folder-state')).toHaveText(/Watching|Looking regularly/);

  const file = join(watched, 'run.csv');
  for (let line = 0; line < 6; line += 1) {
    await appendFile(file, `${line},${'9'.repeat(2000)}\n`);
    await window.waitForTimeout(700);
    // Never while it grows.
    await expect(window.getByTestId('folder-file').filter({ hasText: 'run.csv' }).filter({ hasText: /queue|Verified/ })).toHaveCount(0);
  }
  const row = window.getByTestId('folder-file').filter({ hasText: 'run.csv' });
  await expect(row).toContainText('Verified', { timeout: 20_000 });
  await expect(window.getByTestId('folder-file').filter({ hasText: 'before.csv' })).not.toContainText('Verified');

  await window.keyboard.press('Escape');
  const sent = window.getByTestId('file-row').filter({ hasText: 'run.csv' });
  await expect(sent).toHaveCount(1);
  await expect(sent).toContainText('Verified');
  expect((await readFile(file)).length).toBeGreaterThan(12_000);
});
