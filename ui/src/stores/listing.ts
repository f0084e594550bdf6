import type { FileRow, TransferRow } from '../bindings/commands';
import type { Kind, Order } from './looks.svelte';
import { isSettled } from './queue';

/** One line of a record: a file on the service, an upload on its way there, or both. */
export interface FileLine {
  readonly name: string;
  readonly size: number | null;
  readonly file: FileRow | null;
  /** The upload that tells more about this name than the listing does. */
  readonly transfer: TransferRow | null;
}

/** Whether the listing, asked for at `listedAt`, may not know yet what this upload did. */
const tellsMore = (transfer: TransferRow, listedAt: number): boolean =>
  !isSettled(transfer.state) || transfer.state === 'failed' || (transfer.state === 'done' && transfer.changed >= listedAt);

interface Listed {
  /** A line for each file, without its upload. */
  readonly lines: readonly FileLine[];
  /** Where the first file of a name stands. */
  readonly places: ReadonlyMap<string, number>;
}

/** What is the same for a listing however its uploads change: a hundred thousand files are gone through once, not for each event. */
const known = new WeakMap<readonly FileRow[], Listed>();

function listedOf(files: readonly FileRow[]): Listed {
  const before = known.get(files);
  if (before !== undefined) return before;
  const places = new Map<string, number>();
  const lines = files.map((file, at): FileLine => {
    if (!places.has(file.name)) places.set(file.name, at);
    return { name: file.name, size: file.size, file, transfer: null };
  });
  const listed = { lines, places };
  known.set(files, listed);
  return listed;
}

/** The uploads among the rows of the queue that go into a record. */
export const uploadsInto = (rows: readonly TransferRow[], account: string | null, place: string | undefined): readonly TransferRow[] =>
  rows.filter((row) => row.direction === 'upload' && row.account === account && row.place === place);

/** The lines of those names. */
export const named = (all: readonly FileLine[], names: ReadonlySet<string>): readonly FileLine[] => (names.size === 0 ? [] : all.filter(({ name }) => names.has(name)));

/** Joins a record's files with the uploads into it. Files keep the service's order; uploads of new names come first. */
export function lines(files: readonly FileRow[], transfers: readonly TransferRow[], listedAt: number, filter: string): readonly FileLine[] {
  const newest = new Map<string, TransferRow>();
  for (const transfer of transfers) {
    const other = newest.get(transfer.name);
    if (other === undefined || other.id < transfer.id) newest.set(transfer.name, transfer);
  }
  for (const [name, transfer] of newest) if (!tellsMore(transfer, listedAt)) newest.delete(name);

  const { lines: without, places } = listedOf(files);
  const wanted = filter.trim().toLocaleLowerCase();
  const found = (all: readonly FileLine[]) => (wanted === '' ? all : all.filter(({ name }) => name.toLocaleLowerCase().includes(wanted)));
  // Copying a hundred thousand lines for each event would keep the page's memory busy for nothing.
  if (newest.size === 0) return found(without);
  const listed = without.slice();
  for (const [name, transfer] of newest) {
    const at = places.get(name);
    const file = at === undefined ? undefined : files[at];
    if (at === undefined || file === undefined) continue;
    listed[at] = { name, size: file.size ?? transfer.size, file, transfer };
    newest.delete(name);
  }
  const coming = [...newest.values()]
    .sort((a, b) => b.id - a.id)
    .map((transfer): FileLine => ({ name: transfer.name, size: transfer.size, file: null, transfer }));
  return found(coming.length === 0 ? listed : coming.concat(listed));
}

/** Whether the bytes of a line are proven: by the transfer where it is newer, by the ledger otherwise. */
export function isVerified({ file, transfer }: FileLine): boolean {
  return transfer === null ? file?.verified === true : transfer.state === 'done' && transfer.verified;
}

/** How many of the lines are proven. */
export function verifiedOf(all: readonly FileLine[]): number {
  let count = 0;
  for (const line of all) if (isVerified(line)) count += 1;
  return count;
}

/** Whether a line is of the kind somebody wants to see. */
function isOf(kind: Kind, line: FileLine): boolean {
  if (kind === 'verified') return isVerified(line);
  const unfinished = line.file === null || line.file.status !== 'ready' || (line.transfer !== null && line.transfer.state !== 'done');
  return kind === 'unfinished' ? unfinished : !unfinished && !isVerified(line);
}

/** Those of a kind, in an order; lines that have nothing to be ordered by come last, whichever way it goes. */
export function arranged(all: readonly FileLine[], kind: Kind, order: Order, down: boolean, compare: (a: string, b: string) => number): readonly FileLine[] {
  const shown = kind === 'all' ? all : all.filter((line) => isOf(kind, line));
  if (order === 'service') return down ? [...shown].reverse() : shown;
  const way = down ? -1 : 1;
  const byName = (a: FileLine, b: FileLine) => compare(a.name, b.name);
  if (order === 'name') return [...shown].sort((a, b) => way * byName(a, b));
  const value = (line: FileLine): number | null => {
    if (order === 'size') return line.size;
    if (order === 'changed') return line.file?.modified ?? line.transfer?.changed ?? null;
    // What needs somebody first, what is proven last.
    return isOf('unfinished', line) ? 0 : isVerified(line) ? 2 : 1;
  };
  return [...shown].sort((a, b) => {
    const [first, second] = [value(a), value(b)];
    if (first === second) return byName(a, b);
    if (first === null || second === null) return first === null ? 1 : -1;
    return way * (first - second);
  });
}
