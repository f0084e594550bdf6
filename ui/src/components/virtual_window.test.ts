import { expect, it } from 'vitest';
import { scrollTo, virtualWindow } from './virtual_window';

it('draws what is in sight and a few more', () => {
  expect(virtualWindow(0, 360, 36, 100_000)).toEqual({ first: 0, end: 16, places: 23, top: 0, total: 3_600_000 });
  expect(virtualWindow(3600, 360, 36, 100_000)).toEqual({ first: 94, end: 116, places: 23, top: 94 * 36, total: 3_600_000 });
});

it('ends with the list', () => {
  expect(virtualWindow(36 * 95, 360, 36, 100)).toMatchObject({ first: 89, end: 100 });
  expect(virtualWindow(0, 360, 36, 3)).toMatchObject({ first: 0, end: 3 });
  expect(virtualWindow(0, 360, 36, 0)).toMatchObject({ first: 0, end: 0, top: 0, total: 0 });
});

it('stays within the list after it became shorter', () => {
  const { first, end } = virtualWindow(36 * 5000, 360, 36, 4);
  expect(first).toBeLessThan(4);
  expect(end).toBe(4);
});

it('always covers what is in sight', () => {
  for (let scroll = 0; scroll < 2000; scroll += 7) {
    const { first, end, places } = virtualWindow(scroll, 333, 36, 1000);
    expect(first * 36).toBeLessThanOrEqual(scroll);
    expect(end * 36).toBeGreaterThanOrEqual(scroll + 333);
    expect(end - first).toBeLessThanOrEqual(places);
  }
});

it('scrolls no more than it must', () => {
  expect(scrollTo(2, 0, 360, 36)).toBe(0);
  expect(scrollTo(10, 0, 360, 36)).toBe(36);
  expect(scrollTo(1, 360, 360, 36)).toBe(36);
});
