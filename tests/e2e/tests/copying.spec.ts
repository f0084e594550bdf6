import type { Page } from '@playwright/test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectAccessible } from '../axe';
import { expect, test } from '../bridge';

const copy = (page: Page, index = 0) => page.getByTestId('copy').nth(index);

async function makeDraft(page: Page, title: string): Promise<void> {
  await page.getByTestId('new-draft').click();
  await page.getByTestId('draft-title').fill(title);
  await page.getByTestId('draft-create').click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
}

async function openDraft(page: Page, title: string): Promise<void> {
  await page.getByTestId('record').filter({ hasText: title }).click();
  await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
}

/** Sends a file to the open record and waits for its proof. */
async function upload(page: Page, folder: string, name: string, content: string | Buffer): Promise<void> {
  await writeFile(join(folder, name), content);
  await page.keyboard.press('Control+u');
  await page.getByTestId('upload-path').fill(join(folder, name));
  await page.keyboard.press('Enter');
  await expect(row(page, name).getByTestId('file-state')).toContainText('Verified');
}

const row = (page: Page, name: string) => page.getByTestId('file-row').filter({ hasText: name });

/** Chooses a place in the dialog that is open. */
async function choose(page: Page, title: string): Promise<void> {
  await page.getByTestId('copy-search').fill(title);
  await expect(page.getByTestId('copy-place')).toHaveCount(1);
  await page.getByTestId('copy-place').filter({ hasText: title }).click();
  await expect(page.getByTestId('copy-target')).toHaveText(`The files go to “${title}”.`);
  // What was pressed is gone; the focus is on what is said about the new place.
  await expect(page.getByTestId('copy-target')).toBeFocused();
}

test('a file and then all files go to another record and are proven there', async ({ window, folder }) => {
  await makeDraft(window, 'Where they go');
  await makeDraft(window, 'Where they are');
  await upload(window, folder, 'a.csv', 'one\n');
  await upload(window, folder, 'b.csv', 'two\n');

  await row(window, 'a.csv').click();
  await expect(window.getByTestId('copy-files')).toHaveText('Copy 1 file to…');
  await window.getByTestId('copy-files').click();
  await expect(window.getByTestId('copy-passes')).toContainText('Everything passes through this computer: 1 file, 4 B.');
  await expect(window.getByTestId('copy-start')).toBeDisabled();
  await expectAccessible(window);
  // The record it comes from is none to copy into.
  await window.getByTestId('copy-search').fill('Where they are');
  await expect(window.getByTestId('copy-place')).toHaveCount(1);
  await window.getByTestId('copy-place').click();
  await expect(window.getByTestId('copy-target')).toContainText('Open another place');
  await expect(window.getByTestId('copy-start')).toBeDisabled();
  await window.getByTestId('copy-top').click();
  await choose(window, 'Where they go');
  await window.getByTestId('copy-start').click();
  await expect(window.getByRole('dialog')).toHaveCount(0);
  await expect(copy(window).getByTestId('copy-state')).toHaveText('Copied and proven');
  await expect(copy(window).getByTestId('copy-proven')).toHaveText('1 of 1 file proven');

  // All of them, without a mouse. What is there already with the same bytes is not sent again.
  await window.keyboard.press('Escape');
  await window.keyboard.press('Control+Shift+C');
  await expect(window.getByTestId('copy-account')).toBeFocused();
  await expect(window.getByTestId('copy-passes')).toContainText('2 files, 8 B');
  await choose(window, 'Where they go');
  await window.getByTestId('copy-start').press('Enter');
  await expect(copy(window).getByTestId('copy-proven')).toHaveText('2 of 2 files proven');
  await expect(copy(window)).toHaveAttribute('data-state', 'done');
  await expect(window.getByRole('status').filter({ hasText: 'copied to Where they go' })).toHaveCount(1);

  await openDraft(window, 'Where they go');
  for (const name of ['a.csv', 'b.csv']) await expect(row(window, name).getByTestId('file-state')).toContainText('Verified');
  await copy(window).getByTestId('copy-forget').click();
  await expect(window.getByTestId('copy')).toHaveCount(1);
  await expect(window.getByTestId('file-row')).toHaveCount(2);
});

test('files go to another service, into a place inside another', async ({ window, folder }) => {
  await makeDraft(window, 'From here');
  await upload(window, folder, 'scan.csv', 'x;y\n');
  await window.keyboard.press('Control+Shift+C');
  await window.getByTestId('copy-account').selectOption('practice-aruna');
  await window.getByTestId('copy-place').filter({ hasText: 'zebrafish-heart' }).click();
  // A project takes no files itself: a collection in it does.
  await expect(window.getByTestId('copy-target')).toContainText('takes no files itself');
  await expect(window.getByTestId('copy-start')).toBeDisabled();
  await window.getByTestId('copy-place').filter({ hasText: 'analysis' }).click();
  await expect(window.getByTestId('copy-target')).toHaveText('The files go to “analysis”.');
  await window.getByTestId('copy-start').click();
  await expect(copy(window).getByTestId('copy-state')).toHaveText('Copied and proven');
  await expect(copy(window)).toContainText('practice-aruna');
});

test('a name that is taken waits for an answer', async ({ window, folder }) => {
  await makeDraft(window, 'It is taken');
  await upload(window, folder, 'same.csv', 'other bytes\n');
  await makeDraft(window, 'It comes from');
  await upload(window, folder, 'same.csv', 'bytes\n');
  await window.keyboard.press('Control+Shift+C');
  await choose(window, 'It is taken');
  await window.getByTestId('copy-start').click();
  await expect(copy(window).getByTestId('copy-state')).toHaveText('Needs you');
  await expect(copy(window).getByTestId('copy-problem')).toContainText('same.csv');
  await expect(copy(window).getByTestId('copy-proven')).toHaveText('0 of 1 file proven');
  await copy(window).getByTestId('copy-answer').selectOption('replace');
  await copy(window).getByTestId('copy-retry').click();
  await expect(copy(window).getByTestId('copy-state')).toHaveText('Copied and proven');
  await openDraft(window, 'It is taken');
  await row(window, 'same.csv').click();
  await expect(window.getByTestId('file-details')).toContainText('6 B');
});

test('a copy is stopped and tried again', async ({ window, folder }) => {
  await makeDraft(window, 'Slowly there');
  await makeDraft(window, 'Slowly from');
  await upload(window, folder, 'slow.bin', Buffer.alloc(4 << 20, 7));
  await window.keyboard.press('Control+,');
  // MiB/s: slow enough to be caught in the middle.
  await window.getByTestId('bandwidth').fill('0.5');
  await window.getByTestId('settings-save').click();
  await expect(window.getByRole('dialog')).toHaveCount(0);
  await window.keyboard.press('Control+Shift+C');
  await choose(window, 'Slowly there');
  await window.getByTestId('copy-start').click();
  await expect(copy(window).getByTestId('copy-state')).toHaveText('Copying');
  await expect(window.getByTestId('transfer-row').filter({ hasText: 'slow.bin' })).toHaveCount(2);
  await copy(window).getByTestId('copy-stop').click();
  await expect(copy(window).getByTestId('copy-state')).toHaveText('Stopped');
  // The row of the fetch led to a file that is gone, and went with it.
  await expect(window.getByTestId('transfer-row').filter({ hasText: 'slow.bin' })).toHaveCount(1);
  await window.keyboard.press('Control+,');
  await window.getByTestId('bandwidth').fill('');
  await window.getByTestId('settings-save').click();
  await copy(window).getByTestId('copy-retry').click();
  await expect(copy(window).getByTestId('copy-state')).toHaveText('Copied and proven');
});
