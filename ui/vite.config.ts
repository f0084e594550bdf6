import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  // The desktop app loads the pages from its own address, the bridge from another.
  base: './',
  // Where the desktop app expects the development server (tauri.conf.json).
  server: { host: '127.0.0.1', port: 1420, strictPort: true },
  build: {
    target: 'es2022',
    // The content policy allows no inline script or style, so nothing may be folded into the page.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
