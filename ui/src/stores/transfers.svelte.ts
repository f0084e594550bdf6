import type { AppEvent, BatchRow, ListTransfers, ProblemWords, TransferDetail, TransferRow } from '../bindings/commands';
import { asProblem, type Host } from '../host/host';
import { words } from '../words/words';
import { caughtUp, emptyQueue, extended, inOrder, loaded, ofBatch, reach, reduce, within, type Filter, type Follow, type Order as Waiting, type Queue, type Reach } from './queue';

export type { Filter };
export type Order = 'pause' | 'resume' | 'cancel' | 'retry' | 'clear';

/** Rows loaded at a time, at least and at most: the more there are, the more come at once, because each time all are copied. */
const STEP = 200;
const MOST = 1_000;
/** Milliseconds in which events are gathered before the window is drawn anew. */
const GATHER = 40;
/** Milliseconds between two looks at the parts of the transfer that is shown. */
const LOOK = 500;
/** Samples kept for the small graph of the speed. */
const GRAPH = 80;
/** Seconds kept for the large one. */
const HISTORY = 300;
/** Milliseconds between two looks at the batches: their sums are read row by row. */
const SUMS = 2_000;
/** Most transfers of a batch that one cancel can be taken back for. */
const UNDONE = 10_000;

/** The lowest number of a full page; below anything of the last one. */
const bottom = (rows: readonly TransferRow[], size: number): number => (rows.length < size ? 0 : Math.min(...rows.map(({ id }) => id)));

/** The queue: a snapshot, kept fresh by numbered events. */
export class Transfers {
  queue = $state.raw<Queue>(emptyQueue);
  ready = $state(false);
  problem = $state.raw<ProblemWords | null>(null);
  filter = $state<Filter>('all');
  /** How far down the rows of each filter and batch are loaded without a gap. */
  private reach = $state.raw<Reach>({});
  /** The order in which the waiting ones are sent, as far as loaded. */
  private waitingOrder = $state.raw<Waiting>({ ids: [], complete: true });
  /** All rows; unlike the queue they stay the same while only progress is told. */
  private readonly all = $derived(this.queue.rows);
  /** The rows of the filter, as far as loaded; those that wait in the order they are sent in. */
  readonly rows = $derived(this.filter === 'waiting' ? inOrder(this.all, this.waitingOrder) : within(this.all, this.filter, reach(this.reach, this.filter)));
  /** What came together, newest first; loaded while somebody looks at it. */
  batches = $state.raw<readonly BatchRow[] | null>(null);
  /** Whether there are older ones. */
  moreBatches = $state(false);
  /** The batch that is unfolded. */
  openBatch = $state<number | null>(null);
  readonly batchRows = $derived(ofBatch(this.all, this.openBatch, reach(this.reach, `batch ${this.openBatch}`)));
  /** What was cancelled last and can be taken back. */
  cancelled = $state.raw<{ what: string; ids: readonly number[] } | null>(null);
  /** The transfer somebody chose. */
  selected = $state<number | null>(null);
  /** The transfer whose details are shown: the chosen one, or else the newest. */
  readonly shown = $derived(this.selected ?? this.rows[0]?.id ?? null);
  detail = $state.raw<TransferDetail | null>(null);
  /** The time, by the second, for what counts down. */
  now = $state(Date.now());
  speeds = $state.raw<readonly number[]>([]);
  /** Bytes a second in each of the last seconds. */
  history = $state.raw<readonly number[]>([]);
  /** What a screen reader is told. */
  said = $state('');
  /** Calls who wants to know that transfers reached a new state. */
  readonly onChanged: ((rows: readonly TransferRow[]) => void)[] = [];
  onAccounts: () => void = () => {};

  private waiting: AppEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private loading = false;
  private sumsWanted = false;
  private summed = 0;
  private looks = 0;
  private looked = 0;

  constructor(private readonly host: Host) {}

  /** Begins to hear; returns how to stop. */
  start(): () => void {
    const stop = this.host.listen(
      (event) => this.hear(event),
      () => void (this.ready ? this.catchUp(this.queue.lastEvent) : this.load()),
    );
    const ticking = setInterval(() => {
      this.now = Date.now();
      this.history = [...this.history.slice(1 - HISTORY), this.queue.bytesPerSecond];
      // The small graph stands still with the transfers.
      if (this.queue.samples.size === 0 && this.queue.counts.active === 0 && this.queue.bytesPerSecond > 0) this.queue = { ...this.queue, bytesPerSecond: 0 };
    }, 1000);
    return () => {
      clearInterval(ticking);
      clearTimeout(this.timer);
      stop();
    };
  }

  async load(): Promise<void> {
    try {
      const list = await this.host.call('transfers.list', this.page('all', null));
      const { lastEvent } = this.queue;
      this.queue = loaded(this.queue, list);
      this.reach = { all: bottom(list.rows, STEP) };
      this.sumsWanted = true;
      this.ready = true;
      this.problem = null;
      // Events that came while the rows were on their way are newer than the rows.
      if (lastEvent > list.last_event) await this.catchUp(list.last_event);
      this.flush();
      await Promise.all([this.fill(), this.look(), this.batches === null ? null : this.sumUp()]);
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  async show(filter: Filter): Promise<void> {
    this.filter = filter;
    await this.fill();
  }

  /** Loads the next rows of the filter, if there are any. */
  async more(): Promise<void> {
    const last = this.rows[this.rows.length - 1];
    if (this.loading || last === undefined || this.rows.length >= this.queue.counts[this.filter]) return;
    await this.extend(last.id);
  }

  /** Loads the batches, and again and again while they change and `batches` is not let go. */
  async sumUp(older = false): Promise<void> {
    this.sumsWanted = false;
    const known = this.batches ?? [];
    try {
      const after = older ? (known[known.length - 1]?.batch ?? null) : null;
      const limit = older ? 0 : Math.max(50, known.length);
      const list = await this.host.call('transfers.batches', { after, limit });
      this.batches = older ? [...known, ...list] : list;
      this.moreBatches = list.length >= (limit || 50);
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  /** Nobody looks at the batches any more. */
  letGo(): void {
    this.batches = null;
  }

  async unfold(batch: number | null): Promise<void> {
    this.openBatch = batch;
    if (batch !== null && !(`batch ${batch}` in this.reach)) await this.extendBatch(null);
  }

  /** Loads the next rows of the batch that is unfolded. */
  async moreOfBatch(): Promise<void> {
    const last = this.batchRows[this.batchRows.length - 1];
    const all = this.batches?.find(({ batch }) => batch === this.openBatch)?.counts.all ?? 0;
    if (this.loading || last === undefined || this.batchRows.length >= all) return;
    await this.extendBatch(last.id);
  }

  private async extendBatch(after: number | null): Promise<void> {
    const batch = this.openBatch;
    if (batch === null) return;
    await this.loadMore({ ...this.page('all', after), batch }, `batch ${batch}`);
  }

  /** Loads the first rows of the filter where the newest of the queue do not hold them. */
  private async fill(): Promise<void> {
    if (this.filter === 'waiting' || this.rows.length < Math.min(STEP, this.queue.counts[this.filter])) await this.extend(null);
  }

  private async extend(after: number | null): Promise<void> {
    if (this.filter === 'waiting') await this.loadMore({ ...this.page('waiting', after), in_order: true }, null);
    else await this.loadMore({ ...this.page(this.filter, after), limit: after === null ? STEP : Math.min(MOST, Math.max(STEP, this.rows.length >> 3)) }, this.filter);
  }

  /** Loads a page; `key` is what it belongs to, none for the order of those that wait. */
  private async loadMore(page: ListTransfers, key: string | null): Promise<void> {
    this.loading = true;
    try {
      const list = await this.host.call('transfers.list', page);
      // Only now: events that came meanwhile have changed the queue.
      this.queue = extended(this.queue, list);
      if (key !== null) this.reach = { ...this.reach, [key]: bottom(list.rows, page.limit) };
      else this.waitingOrder = { ids: [...(page.after === null ? [] : this.waitingOrder.ids), ...list.rows.map(({ id }) => id)], complete: list.rows.length < page.limit };
    } catch (thrown) {
      this.problem = asProblem(thrown);
    } finally {
      this.loading = false;
    }
  }

  select(id: number | null): void {
    this.selected = id;
  }

  /** Gives an order for one transfer; the answer comes as events. */
  async order(order: Order, id: number): Promise<void> {
    await this.ask(order, { ids: [id], all: false });
  }

  /** Gives an order for all of a batch. */
  async orderBatch(order: Order, batch: number): Promise<void> {
    await this.ask(order, { ids: [], all: false, batch });
  }

  /** Cancels one and remembers it, so that it can be taken back. */
  async cancel(row: Pick<TransferRow, 'id' | 'name'>): Promise<void> {
    await this.order('cancel', row.id);
    if (this.problem === null) this.cancelled = { what: row.name, ids: [row.id] };
  }

  /** Cancels what is unfinished of a batch. */
  async cancelBatch(batch: number, what: string): Promise<void> {
    const unfinished = (filter: Filter) => this.host.call('transfers.list', { ...this.page(filter, null), batch, limit: UNDONE });
    try {
      const lists = await Promise.all([unfinished('active'), unfinished('waiting')]);
      await this.orderBatch('cancel', batch);
      if (this.problem === null) this.cancelled = { what, ids: lists.flatMap(({ rows }) => rows.map(({ id }) => id)) };
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  /** Puts back into the queue what was cancelled last. */
  async undo(): Promise<void> {
    const ids = this.cancelled?.ids ?? [];
    this.cancelled = null;
    await this.ask('retry', { ids: [...ids], all: false });
  }

  /** Moves a waiting transfer before another one, or to an end of the queue. */
  async move(row: TransferRow, to: 'first' | 'last' | number): Promise<void> {
    try {
      await this.host.call('transfers.move', { id: row.id, to: String(to) });
      await this.extend(null);
      const place = this.rows.findIndex(({ id }) => id === row.id);
      if (place >= 0) this.said = words.queue.moved(row.name, place + 1);
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  /** Moves a waiting transfer one place up or down. */
  async nudge(row: TransferRow, by: -1 | 1): Promise<void> {
    const at = this.rows.findIndex(({ id }) => id === row.id);
    if (at < 0 || this.filter !== 'waiting') return;
    if (by < 0 && at > 0) await this.move(row, this.rows[at - 1]?.id ?? 'first');
    // Before the one after the next; behind the last where there is none.
    if (by > 0 && at < this.rows.length - 1) await this.move(row, this.rows[at + 2]?.id ?? 'last');
  }

  async orderAll(order: Order): Promise<void> {
    await this.ask(order, { ids: [], all: true });
  }

  private async ask(order: Order, selection: { ids: number[]; all: boolean; batch?: number }): Promise<void> {
    try {
      await this.host.call(`transfers.${order}`, selection);
      this.problem = null;
      if (order !== 'clear') return;
      if (selection.all || (this.selected !== null && selection.ids.includes(this.selected))) this.selected = null;
      await this.load();
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  private page(filter: Filter, after: number | null): ListTransfers {
    return { filter: filter === 'all' ? '' : filter, batch: null, account: null, place: null, after, limit: STEP };
  }

  private hear(event: AppEvent): void {
    this.waiting.push(event);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.flush();
    }, GATHER);
  }

  private flush(): void {
    // Before the first rows are there, events have nothing to change; they are kept for then.
    if (!this.ready || this.waiting.length === 0) return;
    const events = this.waiting;
    this.waiting = [];
    const { queue, follow } = reduce(this.queue, events);
    this.queue = queue;
    if (events.some(({ type }) => type === 'progress')) this.speeds = [...this.speeds.slice(1 - GRAPH), queue.bytesPerSecond];
    this.after(follow);
  }

  private after(follow: Follow): void {
    if (follow.accounts) this.onAccounts();
    if (follow.changed.length > 0) this.sumsWanted = true;
    if (this.batches !== null && this.sumsWanted && performance.now() - this.summed > SUMS) {
      this.summed = performance.now();
      setTimeout(() => void (this.batches !== null && this.sumUp()), SUMS / 2);
    }
    if (follow.reload) void this.load();
    else if (follow.missingAfter !== null) void this.catchUp(follow.missingAfter);
    if (follow.changed.length > 0) {
      this.announce(follow.changed);
      for (const heard of this.onChanged) heard(follow.changed);
    }
    const shown = this.shown;
    if (shown === null) return;
    // Receipts of parts are not told: while it moves they are asked for now and then.
    const moving = this.queue.samples.has(shown) && performance.now() - this.looked > LOOK;
    if (moving || follow.changed.some(({ id }) => id === shown)) void this.look();
  }

  private async catchUp(number: number): Promise<void> {
    try {
      const missed = await this.host.call('events.since', { number });
      const { queue, follow } = caughtUp(this.queue, missed);
      this.queue = queue;
      this.after(follow);
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  /** Asks for the parts of the transfer that is shown. An answer that was overtaken is dropped. */
  async look(): Promise<void> {
    const id = this.shown;
    if (id === null) return;
    const asked = ++this.looks;
    this.looked = performance.now();
    let detail: TransferDetail | null = null;
    try {
      detail = await this.host.call('transfers.show', { id });
    } catch {
      // The row was cleared meanwhile; the list says so.
    }
    if (asked === this.looks && this.shown === id) this.detail = detail;
  }

  private announce(rows: readonly TransferRow[]): void {
    const last = rows.findLast(({ state }) => state === 'done' || state === 'failed');
    if (last === undefined) return;
    const say = last.state === 'failed' ? words.transfers.announceFailed : last.verified ? words.transfers.announceVerified : words.transfers.announceDone;
    this.said = say(last.name);
  }
}
