import { expect, it } from 'vitest';
import { partCells } from './parts';

const parts = (count: number, received: (number: number) => boolean) =>
  Array.from({ length: count }, (_, index) => ({ number: index + 1, length: 1, received: received(index + 1) }));

it('gives each part a cell while there is room', () => {
  expect(partCells(parts(4, (n) => n < 3), [3], 100)).toEqual([
    { first: 1, last: 1, received: 1, inFlight: false },
    { first: 2, last: 2, received: 1, inFlight: false },
    { first: 3, last: 3, received: 0, inFlight: true },
    { first: 4, last: 4, received: 0, inFlight: false },
  ]);
});

it('puts many parts together and leaves none out', () => {
  const cells = partCells(parts(10_000, (n) => n <= 5000), [5001], 120);
  expect(cells.length).toBeLessThanOrEqual(120);
  expect(cells[0]?.first).toBe(1);
  expect(cells[cells.length - 1]?.last).toBe(10_000);
  cells.slice(1).forEach((cell, index) => expect(cell.first).toBe((cells[index]?.last ?? 0) + 1));
  expect(cells.filter((cell) => cell.inFlight)).toHaveLength(1);
});

it('does not show a part as moving whose receipt is stored', () => {
  expect(partCells(parts(1, () => true), [1], 10)[0]?.inFlight).toBe(false);
});

it('is empty before there is a plan', () => expect(partCells([], [], 10)).toEqual([]));
