import type { PartRow } from '../bindings/commands';

/** One cell of the strip that shows a transfer's parts; a cell stands for several when there are many. */
export interface PartCell {
  /** Parts it stands for, from 1. */
  first: number;
  last: number;
  /** Share of them whose receipts are stored, 0 to 1. */
  received: number;
  /** Whether one of them is on its way now. */
  inFlight: boolean;
}

/** The parts of a transfer as at most `most` cells, in order. */
export function partCells(parts: readonly PartRow[], inFlight: readonly number[], most: number): PartCell[] {
  const perCell = Math.max(1, Math.ceil(parts.length / most));
  const moving = new Set(inFlight);
  const cells: PartCell[] = [];
  for (let at = 0; at < parts.length; at += perCell) {
    const group = parts.slice(at, at + perCell);
    const received = group.filter((part) => part.received).length;
    cells.push({
      first: group[0]?.number ?? at + 1,
      last: group[group.length - 1]?.number ?? at + 1,
      received: received / group.length,
      inFlight: group.some((part) => moving.has(part.number) && !part.received),
    });
  }
  return cells;
}
