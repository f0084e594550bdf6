import { expect, test } from '../made_up';

/** With MEASURE=1, on a machine that does nothing else, the figure that is promised is held: no frame over 50 ms. A machine
 * that other suites share tells nothing about that, so there the time is printed only. */
const measure = process.env['MEASURE'] === '1';
/** Steps of a scroll through the whole list, one a frame. */
const STEPS = measure ? 300 : 40;

for (const view of ['table', 'cards'] as const) {
  test(`100,000 files are scrolled through as ${view}`, async ({ page }) => {
    await page.goto('http://localhost/?fake=large');
    await page.getByTestId('record').first().click();
    await expect(page.getByTestId('file-row').first()).toBeVisible();
    await page.keyboard.press('Control+j');
    if (view === 'cards') await page.getByTestId('file-view').click();
    const list = page.getByRole('listbox', { name: /files$/ });
    const frames = await list.evaluate(async (element, steps) => {
      const taken: number[] = [];
      let before = performance.now();
      const step = (element.scrollHeight - element.clientHeight) / steps;
      for (let at = 0; at <= steps; at += 1) {
        element.scrollTop = at * step;
        await new Promise((resolve) => requestAnimationFrame(resolve));
        taken.push(performance.now() - before);
        before = performance.now();
      }
      return taken.slice(1).sort((a, b) => a - b);
    }, STEPS);
    const [half, most, longest] = [0.5, 0.95, 1].map((share) => frames[Math.min(frames.length - 1, Math.floor(share * frames.length))] ?? 0);
    console.log(`100,000 files as ${view}: ${STEPS} frames, half within ${half?.toFixed(1)} ms, 95 % within ${most?.toFixed(1)} ms, the longest ${longest?.toFixed(1)} ms`);
    expect(await page.getByTestId('file-row').count()).toBeLessThan(200);
    await expect(page.getByTestId('file-row').filter({ hasText: 'plate_260_well_159' })).toBeVisible();
    if (measure) expect(longest).toBeLessThan(50);

    // Order and filter of all of them, without losing a keystroke.
    await page.getByTestId('file-order').selectOption('name');
    await page.getByTestId('file-filter').fill('plate_17_well_2');
    await expect(page.getByTestId('file-row').first()).toContainText('plate_17_well_200');
  });
}
