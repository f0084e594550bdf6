import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '../bridge';

test('a draft is made, described until nothing is missing, filled, checked, emptied and deleted', async ({ window, folder }) => {
  await window.getByTestId('new-draft').click();
  await window.getByTestId('draft-title').fill('Beads of May');
  await window.getByTestId('draft-create').click();
  const complaints = window.getByRole('note');
  await expect(complaints).toContainText('creators');

  await window.getByTestId('action-edit').click();
  await expect(window.getByTestId('field-title')).toHaveValue('Beads of May');
  await window.getByTestId('field-creators').fill('Nováková, Jana\nCEITEC');
  await window.getByTestId('field-resource_type').fill('dataset');
  await window.getByTestId('field-publication_date').fill('2026-05-18');
  await window.getByTestId('field-other').fill('version 2');
  await window.getByTestId('action-run').click();
  await expect(window.getByRole('dialog').getByTestId('problem')).toContainText('JSON object');
  await window.getByTestId('field-other').fill('{"version": "2"}');
  await window.getByTestId('action-run').click();
  await expect(window.getByTestId('action-answer')).toContainText('changed');
  await window.keyboard.press('Escape');
  await expect(complaints).toHaveCount(0);

  // What was not touched is still there, and what was changed is shown as it was written.
  await window.getByTestId('about-record').click();
  await window.getByTestId('record-details').getByText('Metadata', { exact: true }).click();
  await expect(window.getByTestId('record-details')).toContainText('"family_name": "Nováková"');
  await expect(window.getByTestId('record-details')).toContainText('"version": "2"');
  await expect(window.getByTestId('record-details')).toContainText('Beads of May');

  const names = ['a.csv', 'b.csv', 'c.csv'];
  for (const name of names) {
    await writeFile(join(folder, name), `${name}\n`);
    await window.keyboard.press('Control+u');
    await window.getByTestId('upload-path').fill(join(folder, name));
    await window.keyboard.press('Enter');
    await expect(window.getByTestId('file-row').filter({ hasText: name }).getByTestId('file-state')).toContainText('Verified');
  }
  await window.getByTestId('check-all').click();
  await expect(window.getByTestId('checked')).toHaveText('3 verified');
  await window.keyboard.press('Escape');

  await window.getByTestId('file-row').first().click();
  await window.keyboard.press('Shift+ArrowDown');
  await window.keyboard.press('Delete');
  await expect(window.getByRole('dialog')).toContainText('Delete 2 files');
  await window.getByTestId('remove-files').click();
  await expect(window.getByTestId('file-row')).toHaveCount(1);

  // About the draft is what stands there again once nothing is selected.
  await window.getByTestId('remove-draft').click();
  await window.getByTestId('remove-draft-now').click();
  await expect(window.getByTestId('record').filter({ hasText: 'Beads of May' })).toHaveCount(0);
  await expect(window.getByText('Choose a record to see its files')).toBeVisible();
});
