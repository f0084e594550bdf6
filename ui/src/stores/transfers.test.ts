import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { AppEvent, CommandName, QueueCounts, TransferRow } from '../bindings/commands';
import type { Host } from '../host/host';
import { Transfers } from './transfers.svelte';

const counts: QueueCounts = { all: 1, active: 1, waiting: 0, needs_you: 0, done: 0 };
const row = (id: number, state: string): TransferRow => ({
  id, batch: 1, direction: 'upload', account: 'Lab', place: 'r', name: `f${id}`, local: '/f', size: 1, sent: 0, state, waiting: null, retry_at: null,
  proof: null, verified: state === 'done', digests: { sha256: null, md5: null }, problem: null, attempts: 0, part_count: null, part_size: null, created: 0, changed: 0,
});
const event = (number: number, of: TransferRow): AppEvent => ({ type: 'transfer', number, after: number - 1, row: of, counts });

/** `stands` are the numbers at which one listing after the other was made. */
function fixture(since: unknown, stands = [5]) {
  const asked: [CommandName, unknown][] = [];
  let tell: (event: AppEvent) => void = () => {};
  let again: () => void = () => {};
  const answers: Partial<Record<CommandName, unknown>> = {
    'transfers.show': { row: row(1, 'moving'), parts: [] },
    'events.since': since,
  };
  const host = {
    call: async (command: CommandName, request: unknown) => {
      asked.push([command, request]);
      if (command !== 'transfers.list') return answers[command];
      return { rows: [row(1, 'moving')], counts, last_event: (stands.length > 1 ? stands.shift() : stands[0]) ?? 0 };
    },
    listen: (heard: (event: AppEvent) => void, broken: () => void) => {
      [tell, again] = [heard, broken];
      broken();
      return () => {};
    },
  } as unknown as Host;
  const transfers = new Transfers(host);
  const stop = transfers.start();
  return { transfers, asked, stop, tell: (of: AppEvent) => tell(of), again: () => again(), times: (name: CommandName) => asked.filter(([command]) => command === name).length };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('asks for what lies in a gap, from the last number it saw', async () => {
  const { transfers, asked, tell, stop } = fixture({ events: [event(7, row(2, 'waiting'))], last_event: 9, incomplete: false });
  await vi.advanceTimersByTimeAsync(0);
  tell(event(9, row(1, 'done')));
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toContainEqual(['events.since', { number: 5 }]);
  expect(transfers.queue.rows.map(({ id, state }) => `${id} ${state}`)).toEqual(['2 waiting', '1 done']);
  expect(transfers.said).toBe('f1 is verified.');
  stop();
});

it('loads the rows anew when older events were forgotten', async () => {
  const { tell, times, stop } = fixture({ events: [], last_event: 99, incomplete: true }, [5, 99]);
  await vi.advanceTimersByTimeAsync(0);
  expect(times('transfers.list')).toBe(1);
  tell(event(50, row(1, 'done')));
  await vi.advanceTimersByTimeAsync(100);
  expect(times('transfers.list')).toBe(2);
  stop();
});

it('catches up after a break instead of loading everything', async () => {
  const { again, times, asked, stop } = fixture({ events: [], last_event: 5, incomplete: false });
  await vi.advanceTimersByTimeAsync(0);
  again();
  await vi.advanceTimersByTimeAsync(10);
  expect(times('transfers.list')).toBe(1);
  expect(asked).toContainEqual(['events.since', { number: 5 }]);
  stop();
});

it('asks for nothing when events come without a gap', async () => {
  const { tell, times, stop } = fixture(null);
  await vi.advanceTimersByTimeAsync(0);
  tell(event(6, row(1, 'verifying')));
  tell(event(7, row(1, 'done')));
  await vi.advanceTimersByTimeAsync(100);
  expect(times('events.since')).toBe(0);
  stop();
});

it('keeps events that come before the first rows, and applies them then', async () => {
  const { transfers, tell, times, stop } = fixture(null);
  tell(event(6, row(1, 'done')));
  await vi.advanceTimersByTimeAsync(100);
  expect(transfers.queue.rows[0]?.state).toBe('done');
  expect(times('events.since')).toBe(0);
  stop();
});

it('does not fall back to rows that are older than what it heard', async () => {
  const { transfers, tell, stop, asked } = fixture({ events: [event(6, row(1, 'done'))], last_event: 6, incomplete: false });
  await vi.advanceTimersByTimeAsync(0);
  tell(event(6, row(1, 'done')));
  await vi.advanceTimersByTimeAsync(100);
  // The listing of this fixture stands at 5.
  tell({ type: 'queue_changed' });
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toContainEqual(['events.since', { number: 5 }]);
  expect(transfers.queue.rows[0]?.state).toBe('done');
  stop();
});
