import type { AppEvent, EventList, ProgressSample, QueueCounts, TransferList, TransferRow } from '../bindings/commands';

/** The queue as the window knows it. Never changed in place. */
export interface Queue {
  /** Newest first, as far as loaded. */
  readonly rows: readonly TransferRow[];
  readonly counts: QueueCounts;
  /** The number of the newest event heard. */
  readonly lastEvent: number;
  /** The number the rows had when they were loaded: they include everything up to it. */
  readonly loadedAt: number;
  readonly samples: ReadonlyMap<number, ProgressSample>;
  readonly bytesPerSecond: number;
}

/** What has to be asked for after some events. */
export interface Follow {
  /** Events after this number may be missing. */
  missingAfter: number | null;
  /** The rows have to be asked for again. */
  reload: boolean;
  /** So have the accounts. */
  accounts: boolean;
  /** Rows that reached a new state. */
  changed: TransferRow[];
}

const noCounts: QueueCounts = { all: 0, active: 0, waiting: 0, needs_you: 0, done: 0 };

export const emptyQueue: Queue = {
  rows: [],
  counts: noCounts,
  lastEvent: 0,
  loadedAt: 0,
  samples: new Map(),
  bytesPerSecond: 0,
};

const live = new Set(['checking', 'planned', 'moving', 'finishing', 'verifying']);

/** Whether a transfer in this state is being worked on. */
export const isLive = (state: string): boolean => live.has(state);

/** Whether nothing more happens to a transfer in this state by itself. */
export const isSettled = (state: string): boolean => ['done', 'skipped', 'failed', 'cancelled'].includes(state);

/** The queue anew from a listing. Progress of rows that still move is kept. */
export function loaded(before: Queue, list: TransferList): Queue {
  return {
    ...before,
    rows: list.rows,
    counts: list.counts,
    lastEvent: Math.max(list.last_event, 0),
    loadedAt: list.last_event,
  };
}

/** Adds rows of another page or filter. Those known already are fresher as they are. */
export function extended(queue: Queue, list: TransferList): Queue {
  const last = queue.rows.at(-1)?.id ?? Infinity;
  // The usual case, the next page of a long queue, needs no look at all before it.
  if (list.rows.every(({ id }, at) => id < (list.rows[at - 1]?.id ?? last))) return { ...queue, rows: [...queue.rows, ...list.rows] };
  const known = new Set(queue.rows.map(({ id }) => id));
  const rows = [...queue.rows, ...list.rows.filter(({ id }) => !known.has(id))].sort((a, b) => b.id - a.id);
  return { ...queue, rows };
}

export type Filter = keyof QueueCounts;

/** By filter or batch, the lowest number down to which its rows are loaded without a gap. */
export type Reach = Readonly<Record<string, number>>;

/** How far down rows are loaded: by a filter of one's own, else with all others; nothing is before anything was loaded. */
export const reach = (of: Reach, key: string): number => of[key] ?? of['all'] ?? 0;

/** Those that wait, in the order they are sent, as far as it is known. */
export interface Order {
  readonly ids: readonly number[];
  readonly complete: boolean;
}

/** The rows that wait, in order. One that came since stands behind them, once all before it are known. */
export function inOrder(rows: readonly TransferRow[], order: Order): readonly TransferRow[] {
  const waiting = new Map(rows.filter((row) => matches('waiting', row)).map((row) => [row.id, row]));
  const known = order.ids.flatMap((id) => waiting.get(id) ?? []);
  if (!order.complete) return known;
  const listed = new Set(order.ids);
  return [...known, ...[...waiting.values()].filter(({ id }) => !listed.has(id)).sort((a, b) => a.id - b.id)];
}

const held = new Set<string | null>(['sign_in', 'disk_low']);

/** Whether a row belongs to a filter, as the app counts them. */
export function matches(filter: Filter, row: TransferRow): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'active':
      return isLive(row.state);
    case 'needs_you':
      return row.state === 'failed' || (row.state === 'waiting' && held.has(row.waiting));
    case 'waiting':
      return row.state === 'paused' || row.state === 'waiting';
    case 'done':
      return ['done', 'skipped', 'cancelled'].includes(row.state);
  }
}

/** The rows of a filter down to that number. */
export function within(rows: readonly TransferRow[], filter: Filter, lowest: number): readonly TransferRow[] {
  // A hundred thousand rows are not gone through for each event when all of them are wanted.
  if (filter === 'all') return (rows.at(-1)?.id ?? lowest) >= lowest ? rows : rows.slice(0, placeOf(rows, lowest - 1));
  return rows.filter((row) => row.id >= lowest && matches(filter, row));
}

/** The rows of a batch down to that number. */
export const ofBatch = (rows: readonly TransferRow[], batch: number | null, lowest: number): readonly TransferRow[] => (batch === null ? [] : rows.filter((row) => row.batch === batch && row.id >= lowest));

interface Draft {
  rows: TransferRow[] | null;
  counts: QueueCounts;
}

/** Where a row of that number stands, or would stand, among rows that are newest first. */
function placeOf(rows: readonly TransferRow[], id: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.id ?? 0) > id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The row of that number, if it is loaded. */
export function rowOf(rows: readonly TransferRow[], id: number): TransferRow | undefined {
  const row = rows[placeOf(rows, id)];
  return row?.id === id ? row : undefined;
}

/** The number of the event a row came with; none for one that was loaded. Kept beside the rows: copying it for each event would cost more than the rows. */
const cameWith = new WeakMap<TransferRow, number>();

function put(queue: Queue, draft: Draft, number: number, row: TransferRow): boolean {
  const rows = draft.rows ?? queue.rows;
  const known = rowOf(rows, row.id);
  if (number <= ((known && cameWith.get(known)) ?? queue.loadedAt)) return false;
  cameWith.set(row, number);
  draft.rows ??= rows.slice();
  draft.rows.splice(placeOf(draft.rows, row.id), known === undefined ? 0 : 1, row);
  return true;
}

function withoutSettled(samples: ReadonlyMap<number, ProgressSample>, changed: readonly TransferRow[]): ReadonlyMap<number, ProgressSample> {
  const gone = changed.filter(({ id, state }) => samples.has(id) && !isLive(state));
  if (gone.length === 0) return samples;
  const kept = new Map(samples);
  for (const { id } of gone) kept.delete(id);
  return kept;
}

/**
 * Applies live events in the order they came. An event already known changes nothing; one before which
 * something was not heard is applied, too, and what was heard last is named in `missingAfter`.
 */
export function reduce(queue: Queue, events: readonly AppEvent[]): { queue: Queue; follow: Follow } {
  const follow: Follow = { missingAfter: null, reload: false, accounts: false, changed: [] };
  const draft: Draft = { rows: null, counts: queue.counts };
  let { lastEvent, samples, bytesPerSecond } = queue;
  for (const event of events) {
    if (event.type === 'transfer') {
      if (event.after > lastEvent) follow.missingAfter ??= lastEvent;
      if (event.number >= lastEvent) draft.counts = event.counts;
      lastEvent = Math.max(lastEvent, event.number);
      if (put(queue, draft, event.number, event.row)) follow.changed.push(event.row);
    } else if (event.type === 'progress') {
      samples = new Map(event.samples.map((sample) => [sample.id, sample]));
      bytesPerSecond = event.bytes_per_second;
    } else if (event.type === 'queue_changed') {
      follow.reload = true;
    } else {
      follow.accounts = true;
    }
  }
  samples = withoutSettled(samples, follow.changed);
  const { rows, counts } = draft;
  return { queue: { ...queue, rows: rows ?? queue.rows, counts, lastEvent, samples, bytesPerSecond }, follow };
}

/** Applies what was missed. Gaps in it are none: each transfer's older states are left out. */
export function caughtUp(queue: Queue, list: EventList): { queue: Queue; follow: Follow } {
  const follow: Follow = { missingAfter: null, reload: list.incomplete, accounts: false, changed: [] };
  if (list.incomplete) return { queue, follow };
  const draft: Draft = { rows: null, counts: queue.counts };
  for (const event of list.events) {
    if (event.type !== 'transfer') continue;
    if (event.number >= queue.lastEvent) draft.counts = event.counts;
    if (put(queue, draft, event.number, event.row)) follow.changed.push(event.row);
  }
  const lastEvent = Math.max(queue.lastEvent, list.last_event);
  const { rows, counts } = draft;
  const samples = withoutSettled(queue.samples, follow.changed);
  return { queue: { ...queue, rows: rows ?? queue.rows, counts, lastEvent, samples }, follow };
}

/** Bytes of a transfer that are there, in flight included. */
export function bytesNow(row: TransferRow, sample: ProgressSample | undefined): number {
  if (row.state === 'done') return row.size ?? row.sent;
  return isLive(row.state) ? Math.max(row.sent, sample?.bytes ?? 0) : row.sent;
}
