import { describe, expect, it } from 'vitest';
import type { AppEvent, QueueCounts, TransferRow } from '../bindings/commands';
import { bytesNow, caughtUp, emptyQueue, extended, loaded, matches, ofBatch, reduce, rowOf, within, type Filter } from './queue';

const counts = (all: number): QueueCounts => ({ all, active: 0, waiting: 0, needs_you: 0, done: 0 });

function row(id: number, state = 'waiting'): TransferRow {
  return {
    id, batch: 1, direction: 'upload', account: 'Lab', place: 'r1', name: `f${id}`, local: `/x/f${id}`, size: 100, sent: 0,
    state, waiting: null, retry_at: null, proof: null, verified: false, digests: { sha256: null, md5: null }, problem: null,
    attempts: 0, part_count: null, part_size: null, created: 0, changed: 0,
  };
}
const event = (number: number, of: TransferRow, all = 3, after = number - 1): AppEvent => ({ type: 'transfer', number, after, row: of, counts: counts(all) });
const start = loaded(emptyQueue, { rows: [row(3), row(1)], counts: counts(2), last_event: 10 });
const states = (queue: typeof start) => queue.rows.map(({ id, state }) => `${id} ${state}`);

describe('live events', () => {
  it('change a row in its place and put new ones where they belong', () => {
    const { queue, follow } = reduce(start, [event(11, row(1, 'moving')), event(12, row(2)), event(13, row(4))]);
    expect(states(queue)).toEqual(['4 waiting', '3 waiting', '2 waiting', '1 moving']);
    expect(queue.lastEvent).toBe(13);
    expect(queue.counts.all).toBe(3);
    expect(follow.missingAfter).toBeNull();
    expect(follow.changed.map(({ id }) => id)).toEqual([1, 2, 4]);
  });

  it('that are known already change nothing, rows and counts alike', () => {
    const { queue, follow } = reduce(start, [event(9, row(1, 'moving'), 99)]);
    expect(states(queue)).toEqual(states(start));
    expect(queue.counts).toEqual(counts(2));
    expect(follow.changed).toEqual([]);
  });

  it('name the gap before them and are applied', () => {
    const { queue, follow } = reduce(start, [event(14, row(1, 'moving')), event(20, row(3, 'moving'))]);
    expect(follow.missingAfter).toBe(10);
    expect(states(queue)).toEqual(['3 moving', '1 moving']);
  });

  it('of a round leave older news out and miss nothing by that', () => {
    const round = [event(13, row(1, 'done'), 3, 10), event(17, row(3, 'moving'), 3, 13)];
    const { queue, follow } = reduce(start, round);
    expect(follow.missingAfter).toBeNull();
    expect(queue.lastEvent).toBe(17);
    expect(states(queue)).toEqual(['3 moving', '1 done']);
  });

  it('ask for rows and accounts', () => {
    const { follow } = reduce(start, [{ type: 'queue_changed' }, { type: 'accounts_changed' }]);
    expect(follow).toMatchObject({ reload: true, accounts: true });
  });

  it('leave the queue they came from as it was', () => {
    reduce(start, [event(11, row(1, 'moving'))]);
    expect(states(start)).toEqual(['3 waiting', '1 waiting']);
  });
});

describe('events that were missed', () => {
  it('never put back a row that was heard of later', () => {
    const gap = reduce(start, [event(14, row(1, 'done'))]);
    const { queue } = caughtUp(gap.queue, { events: [event(12, row(3, 'moving')), event(13, row(1, 'moving'))], last_event: 14, incomplete: false });
    expect(states(queue)).toEqual(['3 moving', '1 done']);
  });

  it('ask for the rows when some were forgotten', () => {
    const { queue, follow } = caughtUp(start, { events: [], last_event: 50, incomplete: true });
    expect(follow.reload).toBe(true);
    expect(queue).toBe(start);
  });

  it('bring counts only when they are newer', () => {
    const ahead = reduce(start, [event(20, row(3), 7)]).queue;
    expect(caughtUp(ahead, { events: [event(12, row(1), 2)], last_event: 20, incomplete: false }).queue.counts.all).toBe(7);
  });
});

it('keeps samples of what moves and forgets them when it settles', () => {
  const sample = { id: 1, bytes: 60, bytes_per_second: 5, seconds_left: 8, verified_bytes: null, parts_in_flight: [2] };
  const moving = reduce(start, [event(11, row(1, 'moving')), { type: 'progress', samples: [sample], bytes_per_second: 5 }]).queue;
  expect(moving.bytesPerSecond).toBe(5);
  expect(bytesNow(row(1, 'moving'), moving.samples.get(1))).toBe(60);
  expect(reduce(moving, [event(12, row(1, 'failed'))]).queue.samples.size).toBe(0);
  expect(bytesNow(row(1, 'failed'), sample)).toBe(0);
  expect(bytesNow(row(1, 'done'), undefined)).toBe(100);
});

it('adds older rows once', () => {
  const more = extended({ ...start, counts: counts(4) }, { rows: [row(1), row(0)], counts: counts(4), last_event: 10 });
  expect(more.rows.map(({ id }) => id)).toEqual([3, 1, 0]);
  // A next page, another filter's rows among those known, and rows that came in no order.
  const ids = (rows: TransferRow[]) => extended(more, { rows, counts: counts(4), last_event: 10 }).rows.map(({ id }) => id);
  expect(ids([row(-1), row(-2)])).toEqual([3, 1, 0, -1, -2]);
  expect(ids([row(2), row(-1)])).toEqual([3, 2, 1, 0, -1]);
  expect(ids([row(-2), row(-1)])).toEqual([3, 1, 0, -1, -2]);
});

it('finds rows by their number and by what they belong to, down to where they are loaded', () => {
  const rows = [row(9), row(7, 'done'), { ...row(4), batch: 2 }, row(2, 'done')];
  const ids = (found: readonly TransferRow[]) => found.map(({ id }) => id);
  expect(within(rows, 'all', 2)).toBe(rows);
  expect(ids(within(rows, 'all', 4))).toEqual([9, 7, 4]);
  expect(ids(within(rows, 'all', 5))).toEqual([9, 7]);
  expect(within([], 'all', 5)).toEqual([]);
  expect(ids(within(rows, 'done', 0))).toEqual([7, 2]);
  expect(ids(within(rows, 'done', 3))).toEqual([7]);
  expect(ids(ofBatch(rows, 1, 3))).toEqual([9, 7]);
  expect(ofBatch(rows, null, 0)).toEqual([]);
  expect(rowOf(rows, 4)).toBe(rows[2]);
  expect(rowOf(rows, 5)).toBeUndefined();
});

it('puts every row under a filter besides all; one that waits for a person is under two', () => {
  const filters: Filter[] = ['active', 'waiting', 'needs_you', 'done'];
  const under = (of: TransferRow) => filters.filter((filter) => matches(filter, of)).join(' ');
  for (const state of ['checking', 'planned', 'moving', 'finishing', 'verifying']) expect(under(row(1, state)), state).toBe('active');
  for (const state of ['waiting', 'paused']) expect(under(row(1, state)), state).toBe('waiting');
  for (const state of ['done', 'skipped', 'cancelled']) expect(under(row(1, state)), state).toBe('done');
  expect(under(row(1, 'failed'))).toBe('needs_you');
  expect(under({ ...row(1), waiting: 'offline' })).toBe('waiting');
  expect(under({ ...row(1), waiting: 'sign_in' })).toBe('waiting needs_you');
});
