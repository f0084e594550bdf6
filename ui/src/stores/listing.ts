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

/** The line of a file no upload tells about, made once for each file. */
const alone = new WeakMap<FileRow, FileLine>();

function lineOf(file: FileRow): FileLine {
  const known = alone.get(file);
  if (known !== undefined) return known;
  const line = { name: file.name, size: file.size, file, transfer: null };
  alone.set(file, line);
  return line;
}

/** Joins a record's files with the uploads into it. Files keep the service's order; uploads of new names come first. */
export function lines(files: readonly FileRow[], transfers: readonly TransferRow[], listedAt: number, filter: string): FileLine[] {
  const newest = new Map<string, TransferRow>();
  for (const transfer of transfers) {
    const other = newest.get(transfer.name);
    if (other === undefined || other.id < transfer.id) newest.set(transfer.name, transfer);
  }
  for (const [name, transfer] of newest) if (!tellsMore(transfer, listedAt)) newest.delete(name);

  const listed = files.map((file): FileLine => {
    const transfer = newest.get(file.name);
    if (transfer === undefined) return lineOf(file);
    newest.delete(file.name);
    return { name: file.name, size: file.size ?? transfer.size, file, transfer };
  });
  const coming = [...newest.values()]
    .sort((a, b) => b.id - a.id)
    .map((transfer): FileLine => ({ name: transfer.name, size: transfer.size, file: null, transfer }));
  const wanted = filter.trim().toLocaleLowerCase();
  const all = [...coming, ...listed];
  return wanted === '' ? all : all.filter(({ name }) => name.toLocaleLowerCase().includes(wanted));
}

/** Whether the bytes of a line are proven: by the transfer where it is newer, by the ledger otherwise. */
export function isVerified({ file, transfer }: FileLine): boolean {
  if (transfer !== null) return transfer.state === 'done' && transfer.verified;
  return file?.verified === true;
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
