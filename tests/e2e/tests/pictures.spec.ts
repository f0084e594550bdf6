import type { Locator, Page } from '@playwright/test';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from '../made_up';
import { recoded } from '../picture';
import { screens, show } from '../screens';

/** The guide's pictures, taken anew by `make pictures`; a test run leaves them alone. */
test.skip(process.env['PICTURES'] !== '1', 'only `make pictures` writes pictures');

const folder = fileURLToPath(new URL('../../../docs/pictures/', import.meta.url));

/** Each picture of `docs/pictures`: a screen, what to do there, and what of it is shown; else the whole window. */
const pictures: Record<string, { screen: string; before?: (page: Page) => Promise<unknown>; of?: (page: Page) => Locator }> = {
  'first-start': { screen: 'first start' },
  sending: { screen: 'a draft and its files', before: (page) => page.getByTestId('transfer-row').filter({ hasText: 'mCherry' }).click() },
  verified: { screen: 'a transfer that is proven', of: (page) => page.getByTestId('drawer') },
  cards: { screen: 'files as cards', before: (page) => page.getByTestId('file-row').filter({ hasText: 'overview.png' }).click() },
  preflight: { screen: 'before an upload', before: (page) => page.getByTestId('batch-metadata').locator('summary').click(), of: (page) => page.getByRole('dialog') },
  transfers: { screen: 'transfers by batch' },
  receipts: { screen: 'receipts', of: (page) => page.getByRole('dialog') },
  folders: { screen: 'watched folders', of: (page) => page.getByRole('dialog') },
  settings: { screen: 'settings', of: (page) => page.getByRole('dialog') },
};

test.use({ viewport: { width: 1080, height: 700 }, locale: 'en-GB', timezoneId: 'Europe/Prague', colorScheme: 'light', contextOptions: { reducedMotion: 'reduce' } });

for (const [name, { screen, before, of }] of Object.entries(pictures)) {
  test(name, async ({ page, browser }) => {
    await page.clock.setFixedTime('2026-05-18T09:41:00Z');
    const found = screens.find((each) => each.name === screen);
    if (found === undefined) throw new Error(`there is no screen named ${screen}`);
    await show(page, found);
    await before?.(page);
    await page.mouse.move(0, 0);
    await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
    await page.evaluate(() => document.querySelector('dialog')?.scrollTo(0, 0));
    await page.waitForTimeout(400);
    const taken = await (of?.(page) ?? page).screenshot({ ...(process.env['PICTURES_PNG'] ? { path: `${process.env['PICTURES_PNG']}/${name}.png` } : {}) });
    // A third of a PNG's bytes; the letters stay sharp.
    await writeFile(`${folder}${name}.webp`, await recoded(browser, taken, { type: 'image/webp', quality: 0.85 }));
  });
}
