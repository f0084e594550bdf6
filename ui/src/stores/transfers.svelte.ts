import type { AppEvent, ListTransfers, ProblemWords, TransferDetail, TransferRow } from '../bindings/commands';
import { asProblem, type Host } from '../host/host';
import { words } from '../words/words';
import { caughtUp, emptyQueue, extended, loaded, matches, reduce, type Filter, type Follow, type Queue } from './queue';

export type { Filter };
export type Order = 'pause' | 'resume' | 'cancel' | 'retry' | 'clear';

/** Rows loaded at a time. */
const STEP = 200;
/** Milliseconds in which events are gathered before the window is drawn anew. */
const GATHER = 40;
/** Milliseconds between two looks at the parts of the transfer that is shown. */
const LOOK = 500;
/** Samples kept for the graph of the speed. */
const GRAPH = 80;

/** The queue: a snapshot, kept fresh by numbered events. */
export class Transfers {
  queue = $state.raw<Queue>(emptyQueue);
  ready = $state(false);
  problem = $state.raw<ProblemWords | null>(null);
  filter = $state<Filter>('all');
  /** The rows of the filter, as far as loaded. */
  readonly rows = $derived(this.queue.rows.filter((row) => matches(this.filter, row)));
  /** The transfer somebody chose. */
  selected = $state<number | null>(null);
  /** The transfer whose details are shown: the chosen one, or else the newest. */
  readonly shown = $derived(this.selected ?? this.rows[0]?.id ?? null);
  detail = $state.raw<TransferDetail | null>(null);
  /** The time, by the second, for what counts down. */
  now = $state(Date.now());
  speeds = $state.raw<readonly number[]>([]);
  /** What a screen reader is told. */
  said = $state('');
  /** Calls who wants to know that transfers reached a new state. */
  readonly onChanged: ((rows: readonly TransferRow[]) => void)[] = [];
  onAccounts: () => void = () => {};

  private waiting: AppEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private loading = false;
  private looks = 0;
  private looked = 0;

  constructor(private readonly host: Host) {}

  /** Begins to hear; returns how to stop. */
  start(): () => void {
    const stop = this.host.listen(
      (event) => this.hear(event),
      () => void (this.ready ? this.catchUp(this.queue.lastEvent) : this.load()),
    );
    const ticking = setInterval(() => (this.now = Date.now()), 1000);
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
      this.ready = true;
      this.problem = null;
      // Events that came while the rows were on their way are newer than the rows.
      if (lastEvent > list.last_event) await this.catchUp(list.last_event);
      this.flush();
      await Promise.all([this.fill(), this.look()]);
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

  /** Loads the first rows of the filter where the newest of the queue do not hold them. */
  private async fill(): Promise<void> {
    if (this.rows.length < Math.min(STEP, this.queue.counts[this.filter])) await this.extend(null);
  }

  private async extend(after: number | null): Promise<void> {
    this.loading = true;
    try {
      const list = await this.host.call('transfers.list', this.page(this.filter, after));
      // Only now: events that came meanwhile have changed the queue.
      this.queue = extended(this.queue, list);
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

  async orderAll(order: Order): Promise<void> {
    await this.ask(order, { ids: [], all: true });
  }

  private async ask(order: Order, selection: { ids: number[]; all: boolean }): Promise<void> {
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
