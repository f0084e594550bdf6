import type { Browser, Page } from '@playwright/test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { barriers } from '../axe';
import { expect, test } from '../made_up';
import { recoded } from '../picture';
import { screens, show } from '../screens';

const features = fileURLToPath(new URL('../../../ui/src/features', import.meta.url));

/** The size whose look is kept. */
const LOOK = '1280×800';
/** Window sizes in the page's pixels; 640 × 400 is 1280 × 800 at 200 %. */
const sizes = [
  { size: '800×600', width: 800, height: 600 },
  { size: '200 %', width: 640, height: 400 },
  { size: LOOK, width: 1280, height: 800 },
];

const schemes = ['light', 'dark'] as const;

test('every component of the window, and every dialog, is on a screen that is looked at', () => {
  const missing = readdirSync(features, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.svelte'))
    .filter((path) => {
      const dialogs = readFileSync(join(features, path), 'utf8').match(/<Dialog\b/g)?.length ?? 0;
      const name = path.replaceAll('\\', '/').replace(/\.svelte$/, '');
      return screens.filter(({ shows }) => shows.includes(name)).length < Math.max(1, dialogs);
    });
  expect(missing).toEqual([]);
});

const nameOf = (screen: string, scheme: string) => `${screen.replaceAll(' ', '-')}-${scheme}.png`;

test('no snapshot is of a screen that is gone', () => {
  const wanted = screens.flatMap(({ name }) => schemes.map((scheme) => nameOf(name, scheme)));
  expect(readdirSync(fileURLToPath(new URL('../snapshots', import.meta.url))).filter((name) => !wanted.includes(name))).toEqual([]);
});

// Letters, dates and numbers are the same wherever the snapshots are compared.
test.use({ locale: 'en-GB', timezoneId: 'Europe/Prague', contextOptions: { reducedMotion: 'reduce' } });

/** Pixels across: enough to show that something is gone, moved or of another colour, and too few for the edges of letters. */
const SNAPSHOT = 160;

/** What is on the screen looks as it did when `make snapshots` was run last. */
async function expectSameLook(page: Page, browser: Browser, snapshot: string): Promise<void> {
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.fonts.ready);
  const small = await recoded(browser, await page.screenshot({ animations: 'disabled' }), { type: 'image/png', width: SNAPSHOT });
  // A quiet button that is gone differs in 24 pixels of 16,000; two runs alone in none.
  expect.soft(small).toMatchSnapshot(snapshot, { threshold: 0.05, maxDiffPixels: 12 });
}

for (const screen of screens) {
  test(`${screen.name}: no barrier in any theme and size, and it looks as it did`, async ({ page, browser }) => {
    test.setTimeout(120_000);
    await page.clock.setFixedTime('2026-05-18T09:41:00Z');
    await show(page, screen);
    // The letters that every set-up brings; a system's own are of other widths.
    await page.addStyleTag({ content: ":root { --font: 'DejaVu Sans'; --mono: 'DejaVu Sans Mono' }" });
    const found: string[] = [];
    for (const { size, width, height } of sizes) {
      await page.setViewportSize({ width, height });
      for (const colorScheme of schemes) {
        await page.emulateMedia({ colorScheme });
        found.push(...(await barriers(page)).map((barrier) => `${size}, ${colorScheme}: ${barrier}`));
        if (size === LOOK) await expectSameLook(page, browser, nameOf(screen.name, colorScheme));
      }
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) found.push(`${size}: something is cut at the side`);
    }
    expect(found).toEqual([]);
  });
}
