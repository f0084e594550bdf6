import type { ActionAnswer, ActionRow, CheckRow, ContainerRow, EntryRow, FileRow, ProblemWords, TransferRow } from '../bindings/commands';
import { SvelteMap } from 'svelte/reactivity';
import { asProblem, type Host } from '../host/host';
import type { Kind } from './looks.svelte';
import { isSettled } from './queue';

/** Lines asked for at a time. */
const STEP = 100;
/** Milliseconds of quiet after typing before a search is made, and after a transfer before files are asked for. */
const QUIET = 250;
/** Milliseconds between two looks at a long listing while it comes. */
const SHOWN_EVERY = 1000;
/** Places that Back remembers. */
const VISITS = 100;

/** A listing that comes in pages. */
interface Listing<Row> {
  rows: readonly Row[];
  next: string | null;
  total: number | null;
  loading: boolean;
  problem: ProblemWords | null;
  /** Whether the service cannot list, and these are only the files this computer remembers. */
  remembered: boolean;
  /** When it was asked for; 0 before the first answer. */
  at: number;
}

const none = { rows: [], next: null, total: null, loading: false, problem: null, remembered: false, at: 0 };

/** A place somebody was at: the account and the containers on the way down to the open one. */
interface Visit {
  account: string;
  trail: readonly ContainerRow[];
}

/** What is looked at: an account, its records, and what is in the open one. */
export class Browser {
  account = $state<string | null>(null);
  published = $state(false);
  query = $state('');
  records = $state.raw<Listing<ContainerRow>>(none);
  /** The containers from the account's list down to the open one. */
  trail = $state.raw<readonly ContainerRow[]>([]);
  readonly record = $derived(this.trail.at(-1) ?? null);
  /** Containers inside the open one, such as the collections of a project. */
  inside = $state.raw<readonly ContainerRow[]>([]);
  files = $state.raw<Listing<FileRow>>(none);
  filter = $state('');
  /** Which files are shown. */
  kind = $state<Kind>('all');
  /** Names of the selected files. */
  selected = $state.raw<ReadonlySet<string>>(new Set());

  /** Titles seen so far, by account and path. */
  private readonly titles = new SvelteMap<string, string>();
  private visits = $state.raw<readonly Visit[]>([]);
  /** Index of the present one in `visits`. */
  private at = $state(-1);
  private recordsAsked = 0;
  private filesAsked = 0;
  private searching: ReturnType<typeof setTimeout> | undefined;
  private refreshing: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly host: Host) {}

  async openAccount(account: string | null): Promise<void> {
    if (this.account === account) return;
    this.account = account;
    this.query = '';
    this.published = false;
    this.close();
    this.records = none;
    if (account !== null) await this.loadRecords();
  }

  /** What people call a place; its path where its title was never seen. */
  titleOf(account: string, path: string): string {
    return this.titles.get(`${account}:${path}`) ?? path;
  }

  search(query: string): void {
    this.query = query;
    clearTimeout(this.searching);
    this.searching = setTimeout(() => void this.loadRecords(), QUIET);
  }

  async showPublished(published: boolean): Promise<void> {
    this.published = published;
    this.records = none;
    await this.loadRecords();
  }

  async loadRecords(next: string | null = null): Promise<void> {
    const account = this.account;
    if (account === null) return;
    const asked = ++this.recordsAsked;
    this.records = { ...this.records, loading: true, problem: null };
    const answer = await this.page(account, '', next, this.query.trim() || null, this.published);
    if (asked !== this.recordsAsked) return;
    if ('problem' in answer) {
      this.records = { ...this.records, loading: false, problem: answer.problem };
      return;
    }
    const found = containersOf(answer.entries);
    const rows = next === null ? found : [...this.records.rows, ...found];
    for (const { path, title } of found) this.titles.set(`${account}:${path}`, title);
    this.records = { rows, next: answer.next, total: answer.total, loading: false, problem: null, remembered: false, at: answer.at };
  }

  /** Opens a container of the account's list. */
  async open(record: ContainerRow): Promise<void> {
    await this.goTo([record]);
  }

  /** Opens a container inside the open one. */
  async enter(container: ContainerRow): Promise<void> {
    await this.goTo([...this.trail, container]);
  }

  /** Goes back up to the container at that place in the trail. */
  async up(index: number): Promise<void> {
    await this.goTo(this.trail.slice(0, index + 1));
  }

  readonly canGoBack = $derived(this.at > 0);
  readonly canGoForward = $derived(this.at < this.visits.length - 1);

  /** Goes to where somebody was before, or was before going back. */
  async step(by: -1 | 1): Promise<void> {
    const visit = this.visits[this.at + by];
    if (visit === undefined) return;
    this.at += by;
    await this.openAccount(visit.account);
    await this.show(visit.trail);
  }

  private async goTo(trail: readonly ContainerRow[]): Promise<void> {
    const account = this.account;
    if (account !== null && trail.at(-1)?.path !== this.record?.path) {
      this.visits = [...this.visits.slice(0, this.at + 1), { account, trail }].slice(-VISITS);
      this.at = this.visits.length - 1;
    }
    await this.show(trail);
  }

  private async show(trail: readonly ContainerRow[]): Promise<void> {
    if (trail.at(-1)?.path !== this.record?.path) {
      this.files = none;
      this.inside = [];
      this.filter = '';
      this.kind = 'all';
      this.selected = new Set();
    }
    this.trail = trail;
    await this.refresh();
  }

  /** Opens a record of any account by its path. */
  async openPlace(account: string, path: string): Promise<void> {
    await this.openAccount(account);
    try {
      const entry = await this.host.call('browse.show', { account, path });
      if (entry.kind === 'container') await this.open(entry.container);
    } catch (thrown) {
      this.files = { ...none, problem: asProblem(thrown) };
    }
  }

  close(): void {
    this.filesAsked += 1;
    this.trail = [];
    this.inside = [];
    this.files = none;
    this.selected = new Set();
  }

  /** Asks for the open record and its files again; what is on screen stays until the answer is there. */
  async refresh(): Promise<void> {
    const [account, record] = [this.account, this.record];
    if (account === null || record === null) return;
    const asked = ++this.filesAsked;
    this.files = { ...this.files, loading: true, problem: null };
    const wanted = Math.max(this.files.rows.length, STEP);
    let rows: FileRow[] = [];
    let inside: ContainerRow[] = [];
    let next: string | null = null;
    let total: number | null = null;
    let remembered = false;
    const at = Date.now();
    do {
      const answer = await this.page(account, record.path, next, null, false);
      if (asked !== this.filesAsked) return;
      if ('problem' in answer) {
        this.files = { ...this.files, loading: false, problem: answer.problem };
        return;
      }
      rows = [...rows, ...filesOf(answer.entries)];
      inside = [...inside, ...containersOf(answer.entries)];
      next = answer.next;
      total = answer.total;
      remembered = answer.remembered;
    } while (next !== null && rows.length + inside.length < wanted);
    this.files = { rows, next, total, loading: false, problem: null, remembered, at };
    this.inside = inside;
    for (const { path, title } of inside) this.titles.set(`${account}:${path}`, title);
    try {
      const shown = await this.host.call('browse.show', { account, path: record.path });
      if (asked !== this.filesAsked || shown.kind !== 'container') return;
      const { container } = shown;
      this.trail = [...this.trail.slice(0, -1), container];
      this.records = { ...this.records, rows: this.records.rows.map((row) => (row.path === container.path ? container : row)) };
    } catch {
      // The files are there; the numbers beside the title stay as they were.
    }
  }

  async moreFiles(): Promise<void> {
    const { account, record } = this;
    if (account === null || record === null || this.files.next === null || this.files.loading) return;
    const asked = ++this.filesAsked;
    this.files = { ...this.files, loading: true };
    const answer = await this.page(account, record.path, this.files.next, null, false);
    if (asked !== this.filesAsked) return;
    if ('problem' in answer) this.files = { ...this.files, loading: false, problem: answer.problem };
    else {
      this.files = { ...this.files, rows: [...this.files.rows, ...filesOf(answer.entries)], next: answer.next, loading: false };
      this.inside = [...this.inside, ...containersOf(answer.entries)];
    }
  }

  /** Asks for all files there are, so that an order or a filter is one of all of them; stops when somewhere else is looked at. */
  async allFiles(): Promise<void> {
    const { account, record } = this;
    if (account === null || record === null || this.files.next === null || this.files.loading) return;
    const asked = ++this.filesAsked;
    this.files = { ...this.files, loading: true };
    let { next } = this.files;
    let [rows, inside]: [FileRow[], ContainerRow[]] = [[], []];
    let shown = performance.now();
    const show = (loading: boolean) => {
      this.files = { ...this.files, rows: [...this.files.rows, ...rows], next, loading };
      if (inside.length > 0) this.inside = [...this.inside, ...inside];
      [rows, inside, shown] = [[], [], performance.now()];
    };
    while (next !== null) {
      const answer = await this.page(account, record.path, next, null, false);
      if (asked !== this.filesAsked) return;
      if ('problem' in answer) {
        show(false);
        this.files = { ...this.files, problem: answer.problem };
        return;
      }
      rows.push(...filesOf(answer.entries));
      inside.push(...containersOf(answer.entries));
      // A service that names the same page again would never end.
      next = answer.next === next ? null : answer.next;
      if (performance.now() - shown > SHOWN_EVERY) show(next !== null);
    }
    show(false);
  }

  /** Asks for the files again when uploads into the open record have ended. */
  heard(rows: readonly TransferRow[]): void {
    const [account, place] = [this.account, this.record?.path];
    if (!rows.some((row) => row.direction === 'upload' && row.account === account && row.place === place && isSettled(row.state))) return;
    clearTimeout(this.refreshing);
    this.refreshing = setTimeout(() => void this.refresh(), QUIET);
  }

  /** Makes a draft and opens it. Rejects with the problem, which belongs to the form. */
  async create(title: string): Promise<void> {
    if (this.account === null) return;
    await this.begin(await this.host.call('records.create', { account: this.account, path: '', metadata: { title } }));
  }

  async newVersion(): Promise<void> {
    const { account, record } = this;
    if (account === null || record === null) return;
    await this.begin(await this.host.call('records.version', { account, path: record.path }));
  }

  async publish(): Promise<void> {
    const { account, record } = this;
    if (account === null || record === null) return;
    await this.begin(await this.host.call('records.publish', { account, path: record.path }));
  }

  /** Deletes files. Some may be gone when it rejects: what is left is looked at either way. */
  async remove(paths: string[]): Promise<void> {
    if (this.account === null) return;
    try {
      await this.host.call('places.remove', { account: this.account, paths });
      this.selected = new Set();
    } finally {
      await this.refresh();
    }
  }

  /** Deletes the open record and leaves it. */
  async removeRecord(path: string): Promise<void> {
    if (this.account === null) return;
    await this.host.call('places.remove', { account: this.account, paths: [path] });
    this.close();
    // Back would lead to where nothing is any more.
    this.visits = this.visits.filter(({ trail }) => !trail.some((place) => place.path === path));
    this.at = this.visits.length - 1;
    await this.loadRecords();
  }

  /** Removes uploads that were begun and never finished. */
  async clearLeftovers(paths: string[]): Promise<void> {
    if (this.account === null) return;
    await this.host.call('browse.clear_leftovers', { account: this.account, paths });
    await this.refresh();
  }

  /** Proves what the service holds without sending it again. */
  async check(path: string): Promise<CheckRow | null> {
    if (this.account === null) return null;
    const [row] = await this.host.call('checks.run', { account: this.account, path, source: null, read_back: true });
    await this.refresh();
    return row ?? null;
  }

  /** Proves every file of a place; those that the service keeps no digest of only where they may be fetched back. */
  async checkAll(path: string, readBack: boolean): Promise<CheckRow[]> {
    if (this.account === null) return [];
    const rows = await this.host.call('checks.run', { account: this.account, path, source: null, read_back: readBack });
    await this.refresh();
    return rows;
  }

  /** What the service can do with a place besides what every service does. */
  async actions(path: string): Promise<ActionRow[]> {
    if (this.account === null) return [];
    return this.host.call('actions.list', { account: this.account, path });
  }

  /** Does it, and looks again. Rejects with the problem, which belongs to the form. */
  async act(path: string, name: string, fields: Record<string, string>): Promise<ActionAnswer | null> {
    if (this.account === null) return null;
    const answer = await this.host.call('actions.run', { account: this.account, path, name, fields });
    await Promise.all([this.refresh(), this.loadRecords()]);
    return answer;
  }

  private async begin(record: ContainerRow): Promise<void> {
    this.published = false;
    this.query = '';
    await Promise.all([this.open(record), this.loadRecords()]);
  }

  private async page(account: string, path: string, page: string | null, query: string | null, published: boolean) {
    const at = Date.now();
    try {
      return { at, ...(await this.host.call('browse.list', { account, path, query, published, page, limit: STEP })) };
    } catch (thrown) {
      return { problem: asProblem(thrown) };
    }
  }
}

const filesOf = (entries: readonly EntryRow[]): FileRow[] => entries.flatMap((entry) => (entry.kind === 'file' ? [entry.file] : []));
const containersOf = (entries: readonly EntryRow[]): ContainerRow[] => entries.flatMap((entry) => (entry.kind === 'container' ? [entry.container] : []));
