import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { barriers } from '../axe';
import { expect, test } from '../made_up';
import { screens, show } from '../screens';

const features = fileURLToPath(new URL('../../../ui/src/features', import.meta.url));

/** Window sizes in the page's pixels; the last is 1280 × 800 at 200 %. */
const sizes = [
  { size: '800×600', width: 800, height: 600 },
  { size: '200 %', width: 640, height: 400 },
  { size: '1280×800', width: 1280, height: 800 },
];

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

for (const screen of screens) {
  test(`${screen.name}: no barrier in any theme and size`, async ({ page }) => {
    test.setTimeout(120_000);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await show(page, screen);
    const found: string[] = [];
    for (const { size, width, height } of sizes) {
      await page.setViewportSize({ width, height });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        found.push(...(await barriers(page)).map((barrier) => `${size}, ${colorScheme}: ${barrier}`));
      }
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) found.push(`${size}: something is cut at the side`);
    }
    expect(found).toEqual([]);
  });
}
