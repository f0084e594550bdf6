import type { Page } from '@playwright/test';
import { expectAccessible } from '../axe';
import { expect, test } from '../bridge';

/** A document of one empty page, as plain as the format allows; readers rebuild its table. */
const pdf = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Resources<<>>>>endobj
trailer<</Root 1 0 R/Size 4>>
%%EOF
`;
/** A picture of one pixel, as a bitmap. */
const picture = Buffer.concat([Buffer.from('424d3a0000000000000036000000280000000100000001000000010018000000000004000000', 'hex'), Buffer.alloc(20)]);

const files: readonly (readonly [name: string, content: Buffer | string])[] = [
  ['page.html', '<!doctype html><script>document.title = "executed"</script><img src=x onerror="document.title=1">'],
  ['drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=1"><script>document.title = "executed"</script></svg>'],
  ['run.csv', 'cell;area;<b>label</b>\n1;12,5;"a\nb"\n'],
  ['picture.bmp', picture],
  ['report.pdf', pdf],
  ['broken.pdf', '%PDF-1.7\nnothing that follows makes sense'],
  ['broken.png', Buffer.from('89504e470d0a1a0a0000000d49484452ffffffffffffffff0802000000', 'hex')],
  ['\u202Egnp.elif_desrever 🐟 <img src=x onerror=alert(1)>.txt', 'right to left'],
];

async function send(window: Page): Promise<void> {
  await window.getByTestId('upload-button').click();
  const given = files.map(([name, content]) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) }));
  const chooser = window.waitForEvent('filechooser');
  await window.getByTestId('choose-files').click();
  await (await chooser).setFiles(given);
  await window.getByTestId('upload-start').click();
  await expect(window.getByTestId('file-state').filter({ hasText: 'Verified' })).toHaveCount(files.length, { timeout: 20_000 });
}

test('files are shown, and nothing in them runs', async ({ window }) => {
  const refused: string[] = [];
  window.on('console', (message) => message.type() === 'error' && refused.push(message.text()));
  await send(window);
  const look = async (name: string, kind: string) => {
    await window.getByTestId('file-row').filter({ hasText: name }).click();
    const preview = window.getByTestId('preview');
    await expect(preview).toHaveAttribute('data-kind', kind);
    return preview;
  };
  await expect((await look('page.html', 'text')).locator('pre')).toContainText('document.title = "executed"');
  await expect((await look('drawing.svg', 'text')).locator('pre')).toContainText('onload');
  const table = await look('run.csv', 'table');
  await expect(table.locator('td').nth(1)).toHaveText('12,5');
  await expect(table.locator('th').nth(2)).toHaveText('<b>label</b>');
  const image = (await look('picture.bmp', 'image')).locator('img');
  await expect(image).toHaveJSProperty('naturalWidth', 1);
  expect(await image.getAttribute('src')).toMatch(/^blob:/);
  await expect.poll(() => look('report.pdf', 'pdf').then((preview) => preview.locator('canvas').getAttribute('width'))).not.toBe('300');
  await expect(await look('broken.pdf', 'pdf')).toContainText('cannot be shown');
  // It announces 4 thousand million pixels each way.
  await look('broken.png', 'too_large');
  await expect((await look('gnp.elif', 'text')).locator('pre')).toHaveText('right to left');
  await expect(window).toHaveTitle('Labferry');
  expect(await window.evaluate(() => document.documentElement.outerHTML)).not.toMatch(/signature=|X-Amz-|token=/i);
  expect(refused.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
  await expectAccessible(window);
});

test('a title of any shape is shown as text and leaves the window whole', async ({ window }) => {
  for (const title of ['<img src=x onerror="document.title=1">', 'مجموعة بيانات \u202E abc', '🐟'.repeat(60), 'x'.repeat(10_000)]) {
    await window.getByTestId('new-draft').click();
    await window.getByTestId('draft-title').fill(title);
    await window.getByTestId('draft-create').click();
    await expect(window.getByRole('heading', { level: 1 })).toHaveText(title);
    expect(await window.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await expect(window.getByTestId('upload-button')).toBeInViewport();
  }
  await expect(window).toHaveTitle('Labferry');
});

test('a page that never comes keeps the rest of the window usable', async ({ window }) => {
  await window.route('**/command', async (route) => {
    const { command } = route.request().postDataJSON() as { command: string };
    // A service that does not answer at all.
    if (command !== 'browse.list' && command !== 'files.preview') await route.continue();
  });
  await window.getByTestId('record').nth(1).click();
  await window.keyboard.press('Control+,');
  await expect(window.getByTestId('language')).toBeVisible();
  await window.keyboard.press('Escape');
  await window.getByTestId('receipts').click();
  await expect(window.getByRole('dialog', { name: 'Receipts' })).toBeVisible();
  await window.keyboard.press('Escape');
  await window.unroute('**/command');
  await window.getByTestId('record').first().click();
  await expect(window.getByTestId('drop-zone')).toBeVisible();
});
