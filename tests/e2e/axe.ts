import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

/** What axe finds, of whatever impact. */
export async function barriers(page: Page): Promise<string[]> {
  // The size of what is clicked is asked by WCAG 2.2 and left out by axe unless it is told.
  const { violations, passes } = await new AxeBuilder({ page }).options({ rules: { 'target-size': { enabled: true } } }).analyze();
  expect(passes.length, 'axe looked at nothing').toBeGreaterThan(5);
  return violations.map(({ id, impact, nodes }) => `${impact ?? ''} ${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 300)}\n    ${failureSummary ?? ''}`).join('\n  ')}`);
}

/** Fails with whatever axe finds. */
export async function expectAccessible(page: Page): Promise<void> {
  expect(await barriers(page)).toEqual([]);
}
