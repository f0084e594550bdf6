import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { en } from './en';
import { toolsFor } from './tools';

const page = readFileSync(fileURLToPath(new URL('../../../docs/guide/window.md', import.meta.url)), 'utf8');

/** Every fixed text of a catalogue. */
function texts(of: unknown): string[] {
  if (typeof of === 'string') return [of];
  return typeof of === 'object' && of !== null ? Object.values(of).flatMap(texts) : [];
}

it('the guide names what stands in the window', () => {
  const known = new Set(texts(en(toolsFor('en'))));
  const named = [...page.matchAll(/\*\*(.+?)\*\*/gs)].map(([, word]) => (word ?? '').replaceAll('\n', ' ')).filter((word) => word !== 'bold');
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((word) => !known.has(word))).toEqual([]);
});
