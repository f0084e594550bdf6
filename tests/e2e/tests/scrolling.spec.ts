import { expect, test } from '../made_up';

/** Steps of a scroll through the whole list, one a frame. How long they take is measured by `make frames`. */
const STEPS = 40;

for (const view of ['table', 'cards'] as const) {
  test(`100,000 files are scrolled through as ${view}`, async ({ page }) => {
    await page.goto('http://localhost/?fake=large');
    await page.getByTestId('record').first().click();
    await expect(page.getByTestId('file-row').first()).toBeVisible();
    await page.keyboard.press('Control+j');
    if (view === 'cards') await page.getByTestId('file-view').click();
    const list = page.getByRole('listbox', { name: /files$/ });
    await list.evaluate(async (element, steps) => {
      const step = (element.scrollHeight - element.clientHeight) / steps;
      for (let at = 0; at <= steps; at += 1) {
        element.scrollTop = at * step;
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    }, STEPS);
    expect(await page.getByTestId('file-row').count()).toBeLessThan(200);
    await expect(page.getByTestId('file-row').filter({ hasText: 'plate_260_well_159' })).toBeVisible();

    // Order and filter of all of them, without losing a keystroke.
    await page.getByTestId('file-order').selectOption('name');
    await page.getByTestId('file-filter').fill('plate_17_well_2');
    await expect(page.getByTestId('file-row').first()).toContainText('plate_17_well_200');
  });
}
