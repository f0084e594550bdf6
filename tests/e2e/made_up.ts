import { test as base } from '@playwright/test';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../../ui/dist', import.meta.url));

/** The built interface at `http://localhost/`, without a server: for its made-up world (`?fake`). */
export const test = base.extend({
  page: async ({ page }, use) => {
    await page.route('http://localhost/**', (route) => {
      const { pathname } = new URL(route.request().url());
      return route.fulfill({ path: dist + (pathname === '/' ? '/index.html' : pathname) });
    });
    await use(page);
  },
});

export { expect } from '@playwright/test';
