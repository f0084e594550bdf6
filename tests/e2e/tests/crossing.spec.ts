import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectAccessible } from '../axe';
import { expect, test } from '../bridge';

/** Bytes that differ from file to file. */
const bytes = (length: number, seed: number) => Buffer.from(Array.from({ length }, (_, at) => (at * 31 + seed * 7) % 251));

test('the token leaves the address and stays for a reload', async ({ window }) => {
  expect(window.url()).not.toContain('token');
  await window.reload();
  await expect(window.getByTestId('account').filter({ hasText: 'practice-nrp' })).toHaveCount(1);
});

test('the practice lab’s records are listed, searched and opened', async ({ window }) => {
  const records = window.getByTestId('record');
  await expect(records.first()).toBeVisible();
  const title = (await records.first().locator('.title').textContent()) ?? '';
  await window.getByTestId('record-search').fill('no record has these words');
  await expect(window.getByText('No record matches')).toBeVisible();
  await window.getByTestId('record-search').fill('');
  await expect(records.filter({ hasText: title })).toHaveCount(1);
  await window.getByText('Published', { exact: true }).first().click();
  await expect(records.first()).toContainText('Published');
  await records.first().click();
  await expect(window.getByTestId('upload-button')).toBeDisabled();
});

test('a file chosen by the button is sent, proven, and green in both lists', async ({ window }) => {
  await window.getByTestId('upload-button').click();
  const chooser = window.waitForEvent('filechooser');
  await window.getByTestId('choose-files').click();
  await (await chooser).setFiles([{ name: 'wärme map 3.bin', mimeType: 'application/octet-stream', buffer: bytes(300_000, 1) }]);
  await expect(window.getByTestId('chosen')).toContainText('wärme map 3.bin');
  await window.getByTestId('upload-start').click();

  const transfer = window.getByTestId('transfer-row').filter({ hasText: 'wärme map 3.bin' });
  await expect(transfer.getByTestId('transfer-state')).toHaveText('Verified');
  await expect(transfer.getByTestId('transfer-state')).toHaveAttribute('data-tone', 'good');
  await expect(window.getByTestId('transfer-details').getByTestId('proof')).toHaveAttribute('data-verified', 'true');
  const row = window.getByTestId('file-row').filter({ hasText: 'wärme map 3.bin' });
  await expect(row).toHaveCount(1);
  await expect(row.getByTestId('file-state')).toContainText('Verified');
  // The ledger remembers it: a new look at the service is green, too.
  await window.reload();
  await window.getByTestId('record').filter({ hasText: 'Draft' }).first().click();
  await expect(row.getByTestId('proof')).toBeVisible();
});

test('files dropped on a record are queued for it and proven', async ({ window }) => {
  const files = await window.evaluateHandle(() => {
    const held = new DataTransfer();
    for (const name of ['dropped one.bin', 'dropped two.bin']) held.items.add(new File([name.repeat(5000)], name));
    return held;
  });
  const zone = window.getByTestId('drop-zone');
  await zone.dispatchEvent('dragover', { dataTransfer: files });
  await expect(zone).toHaveAttribute('data-dragging', '');
  await expect(zone).toContainText('2 items');
  await zone.dispatchEvent('drop', { dataTransfer: files });
  await expect(zone).not.toHaveAttribute('data-dragging', '');
  for (const name of ['dropped one.bin', 'dropped two.bin']) {
    await expect(window.getByTestId('file-row').filter({ hasText: name }).getByTestId('file-state')).toContainText('Verified');
  }
  await expect(window.getByTestId('transfer-row')).toHaveCount(2);
});

test('a file is fetched into a folder and proven, and leaves a receipt', async ({ window, folder }) => {
  await window.getByTestId('record').filter({ hasNotText: 'Draft' }).first().click();
  const first = window.getByTestId('file-row').first();
  await expect(first).toBeVisible();
  const name = (await first.locator('.sr-only').first().textContent()) ?? '';
  await first.click();
  await window.getByTestId('download-button').click();
  await window.getByTestId('download-folder').fill(folder);
  await window.getByTestId('download-start').click();
  const transfer = window.getByTestId('transfer-row').filter({ hasText: name });
  await expect(transfer.getByTestId('transfer-state')).toHaveText('Verified');
  expect((await stat(join(folder, name))).size).toBeGreaterThan(0);
  await window.getByTestId('receipts').click();
  await expect(window.getByTestId('receipt').filter({ hasText: name })).toContainText('Verified');
});

test('a new draft is made and opened, and takes a file that can be deleted again', async ({ window }) => {
  await window.getByTestId('new-draft').click();
  await window.getByTestId('draft-title').fill('Confocal stack, root tip 12');
  await window.getByTestId('draft-create').click();
  await expect(window.getByRole('heading', { level: 1 })).toHaveText('Confocal stack, root tip 12');
  await expect(window.getByTestId('record').filter({ hasText: 'root tip 12' })).toHaveAttribute('aria-current', 'page');
  await window.keyboard.press('Control+u');
  const chooser = window.waitForEvent('filechooser');
  await window.getByTestId('choose-files').click();
  await (await chooser).setFiles([{ name: 'slice.bin', mimeType: 'application/octet-stream', buffer: bytes(2000, 5) }]);
  await window.getByTestId('upload-start').click();
  const row = window.getByTestId('file-row').filter({ hasText: 'slice.bin' });
  await expect(row.getByTestId('file-state')).toContainText('Verified');
  await row.click();
  await window.getByTestId('file-details').getByRole('button', { name: 'Delete…' }).click();
  await window.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(row).toHaveCount(0);
});

test('the limit of speed is kept by the app', async ({ window }) => {
  await window.getByTestId('settings').click();
  await window.getByTestId('bandwidth').fill('nonsense');
  await window.getByTestId('settings-save').click();
  await expect(window.getByText('Write a number above zero')).toBeVisible();
  await window.getByTestId('bandwidth').fill('12.5');
  await window.getByTestId('settings-save').click();
  await expect(window.getByRole('dialog')).toHaveCount(0);
  await window.reload();
  await window.getByTestId('settings').click();
  await expect(window.getByTestId('bandwidth')).toHaveValue('12.5');
});

test('a transfer is paused, goes on and can be cancelled', async ({ window, folder }) => {
  // Slow enough to be caught in the middle.
  await window.getByTestId('settings').click();
  await window.getByTestId('bandwidth').fill('2');
  await window.getByTestId('settings-save').click();
  const path = join(folder, 'slow.bin');
  await writeFile(path, Buffer.alloc(60 << 20, 1));
  await window.getByTestId('upload-button').click();
  await window.getByTestId('upload-path').fill(path);
  await window.getByTestId('upload-start').click();
  const state = window.getByTestId('transfer-state').first();
  await expect(state).toHaveText('Sending');
  await window.getByTestId('pause').click();
  await expect(state).toHaveText('Paused');
  await window.getByTestId('resume').click();
  await expect(state).toHaveText('Sending');
  await window.getByTestId('cancel').click();
  await expect(state).toHaveText('Cancelled');
  await window.getByTestId('clear').click();
  await expect(window.getByTestId('transfer-row')).toHaveCount(0);
});

test('what cannot be sent is said where it was asked for, and nothing is queued', async ({ window }) => {
  await window.keyboard.press('Control+u');
  await window.getByTestId('upload-path').fill('/nowhere/scan 07.czi');
  await window.getByTestId('upload-start').click();
  await expect(window.getByRole('dialog').getByTestId('problem')).toContainText('scan 07.czi');
  await window.keyboard.press('Escape');
  await expect(window.getByRole('dialog')).toHaveCount(0);
  await expect(window.getByTestId('summary')).toHaveText('No transfers');
});

test('a name that is taken is asked about, and both files are kept when that is wished', async ({ window }) => {
  const send = async (seed: number) => {
    await window.getByTestId('upload-button').click();
    const chooser = window.waitForEvent('filechooser');
    await window.getByTestId('choose-files').click();
    await (await chooser).setFiles([{ name: 'twice.bin', mimeType: 'application/octet-stream', buffer: bytes(1000, seed) }]);
    await window.getByTestId('upload-start').click();
  };
  await send(1);
  await expect(window.getByTestId('transfer-state').first()).toHaveText('Verified');
  await send(2);
  // Nothing is sent before it is answered.
  await expect(window.getByTestId('clash')).toContainText('twice.bin');
  await expect(window.getByTestId('transfer-row')).toHaveCount(1);
  await expectAccessible(window);
  await window.getByTestId('clash-answer').selectOption('rename');
  await window.getByTestId('preflight-send').click();
  await expect(window.getByTestId('transfer-row')).toHaveCount(2);
  await expect(window.getByTestId('transfer-state').first()).toHaveText('Verified');
  await expect(window.getByTestId('file-row').filter({ hasText: 'twice' })).toHaveCount(2);
});

test('a bridge that is gone is said in words', async ({ window, bridge }) => {
  await bridge.kill();
  await window.getByTestId('record-search').fill('x');
  await expect(window.getByTestId('problem').first()).toContainText('does not answer');
});

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });
    test('the window has no serious barrier', async ({ window }) => {
      await window.getByTestId('upload-button').click();
      const chooser = window.waitForEvent('filechooser');
      await window.getByTestId('choose-files').click();
      await (await chooser).setFiles([{ name: 'seen.bin', mimeType: 'application/octet-stream', buffer: bytes(1000, 3) }]);
      await expectAccessible(window);
      await window.getByTestId('upload-start').click();
      await expect(window.getByTestId('transfer-state').first()).toHaveText('Verified');
      await window.getByTestId('file-row').filter({ hasText: 'seen.bin' }).click();
      await expect(window.getByTestId('file-details')).toBeVisible();
      await expectAccessible(window);
    });
  });
}
