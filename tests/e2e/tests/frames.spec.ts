import type { Locator, Page } from '@playwright/test';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from '../made_up';

/** The window's half of goal P7, measured by `make frames`; a test run, which shares its machine, leaves it out. */
test.skip(process.env['MEASURE'] !== '1', 'only `make frames` measures');
test.describe.configure({ mode: 'serial' });
test.setTimeout(600_000);

const document = fileURLToPath(new URL('../../../docs/performance.md', import.meta.url));
const [BEGIN, END] = ['<!-- made by `WRITE=1 make frames` -->', '<!-- end of the frames -->'];
const rows: string[] = [];
const paints: number[] = [];
const round = (value: number) => (value < 100 ? value.toFixed(1) : value.toFixed(0));
const at = (sorted: readonly number[], share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

/** Begins to note when each frame comes; the answer is how to stop, with the milliseconds between them in order of size. */
async function recorded(page: Page, work: () => Promise<void>): Promise<number[]> {
  await page.evaluate(() => {
    const held = window as unknown as { frames: number[]; recording: boolean };
    [held.frames, held.recording] = [[], true];
    let before = performance.now();
    const step = () => {
      const now = performance.now();
      held.frames.push(now - before);
      before = now;
      if (held.recording) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
  await work();
  const frames = await page.evaluate(() => {
    const held = window as unknown as { frames: number[]; recording: boolean };
    held.recording = false;
    return held.frames.slice(1);
  });
  return frames.sort((a, b) => a - b);
}

async function measure(page: Page, what: string, how: string, work: () => Promise<void>): Promise<void> {
  const frames = await recorded(page, work);
  rows.push(`| ${what} | ${how} | ${frames.length} | ${round(at(frames, 0.5))} ms | ${round(at(frames, 0.95))} ms | ${round(at(frames, 1))} ms | ${frames.filter((each) => each > 50).length} |`);
  console.log(rows.at(-1));
}

/** Scrolls in every way there is. */
async function scrolled(page: Page, list: Locator, what: string): Promise<void> {
  const box = await list.boundingBox();
  if (box === null) throw new Error('the list is not on screen');
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await measure(page, what, 'wheel', async () => {
    for (let turn = 0; turn < 90; turn += 1) await page.mouse.wheel(0, 240);
  });
  await measure(page, what, 'jumps of the scroll bar', () =>
    list.evaluate(async (element) => {
      for (let jump = 0; jump < 90; jump += 1) {
        element.scrollTop = ((jump * 7919) % 97) / 97 * (element.scrollHeight - element.clientHeight);
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    }),
  );
  await list.focus();
  await measure(page, what, 'End, Home, Page Down', async () => {
    for (let turn = 0; turn < 15; turn += 1) for (const key of ['End', 'Home', 'PageDown', 'PageDown']) await page.keyboard.press(key);
  });
}

for (const live of [false, true]) {
  const told = live ? ', ten events a second' : '';
  for (const view of ['table', 'cards'] as const) {
    test(`files as ${view}${told}`, async ({ page }) => {
      await page.goto(`http://localhost/?fake=large${live ? '-live' : ''}`);
      await page.getByTestId('record').first().click();
      await expect(page.getByTestId('file-row').first()).toBeVisible();
      paints.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN));
      await page.keyboard.press('Control+j');
      if (view === 'cards') await page.getByTestId('file-view').click();
      await page.waitForTimeout(1_000);
      await scrolled(page, page.getByRole('listbox', { name: /files$/ }), `listing of 100,000 files as ${view}${told}`);
    });
  }
  test(`queue${told}`, async ({ page }) => {
    await page.goto(`http://localhost/?fake=many${live ? '-live' : ''}`);
    await page.keyboard.press('Control+Shift+J');
    const list = page.getByRole('listbox', { name: 'Transfers' });
    await expect(page.getByTestId('transfer-row').first()).toBeVisible();
    const what = `queue of 100,000 rows${told}`;
    // Rows come page by page: the first way down is the one that loads them.
    await measure(page, what, 'to its end, loading all of it', () =>
      list.evaluate(async (element) => {
        while (element.scrollHeight < 100_000 * 48) {
          element.scrollTop = element.scrollHeight;
          await new Promise((resolve) => requestAnimationFrame(resolve));
        }
      }),
    );
    await scrolled(page, list, what);
  });
}

test.afterAll(async ({ browser }) => {
  if (rows.length === 0) return;
  paints.sort((a, b) => a - b);
  const machine = `${cpus()[0]?.model ?? 'an unknown processor'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB of memory, Linux ${release()}; Chromium ${browser.version()} without a graphics processor`;
  const text = `Measured on ${machine}, on ${new Date().toISOString().slice(0, 10)}, load ${loadavg()[0]?.toFixed(1) ?? '?'} at its end. A frame is the time between two of the browser's; 16.7 ms is the least.
First paint of the built interface without the app behind it: ${round(at(paints, 0.5))} ms (median of ${paints.length}, the longest ${round(at(paints, 1))} ms; goal 1 s after launch, which this is a part of).

| list | how | frames | half within | 95 % within | longest | over 50 ms |
|---|---|---|---|---|---|---|
${rows.join('\n')}
`;
  console.log(`\n${text}`);
  if (process.env['WRITE'] !== '1') return;
  const page = readFileSync(document, 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/performance.md has no place for the frames: ${BEGIN} … ${END}`);
  writeFileSync(document, `${page.slice(0, begin)}${BEGIN}\n\n${text}\n${page.slice(end)}`);
});
