import type { AppEvent, CommandName, Commands, CopyRow, EntryRow, Offer, PreferencesRow, ProgressSample, QueueCounts, TransferRow, TransferSelection } from '../bindings/commands';
import { isLive, matches } from '../stores/queue';
import { copyFiles, fakeCopies, newCopy } from './fake_copies';
import { hostileWorld } from './fake_hostile';
import * as fake from './fake_world';
import type { Drag, Host } from './host';
import { keepAsFile } from './save';

const TICK = 250;
/** Worlds that are looked at: nothing in them moves by itself. */
const STILL = ['still', 'large', 'many', 'hostile', 'silent', 'error', 'interrupted', 'offered', 'locked', 'copies'];
/** Milliseconds between two events of a long world: as many as the app tells at most, ten a second. */
const STIR = 100;
/** Bytes a made-up transfer moves in a tick. */
const STEP = 21 * 1024 * 1024;
const PART_STEP = 1024 * 1024;

/** What an answer may leave out: the interface must do without it, as with an older app. */
type Part<Whole> = Whole extends readonly (infer Item)[] ? Part<Item>[] : Whole extends object ? { [Key in keyof Whole]?: Part<Whole[Key]> } : Whole;
type Answers = { [Name in CommandName]: (request: Commands[Name]['request']) => Part<Commands[Name]['answer']> };

/** A world in memory for looking at the interface without an app: `?fake`, `?fake=still`, `?fake=empty`, `?fake=large`, `?fake=many`; `large-live` and `many-live` tell events, `hostile` means no good, `silent` never answers, `copies` has some copies. */
export class FakeHost implements Host {
  readonly kind = 'fake';
  readonly canChooseFolder = true;
  readonly canZoom = false;
  readonly onDesktop = true;
  private starts = false;
  zoom = async (): Promise<void> => {};
  autostart = async (wish?: boolean): Promise<boolean> => (this.starts = wish ?? this.starts);
  private readonly world: fake.World;
  private readonly heard = new Set<(event: AppEvent) => void>();
  private events = 1;
  private counted: QueueCounts | null = null;
  private folders = fake.watchedFolders();
  private copies: CopyRow[] = [];
  private preferences: PreferencesRow = { to_tray: false, notify: true, language: '' };
  /** What another program handed over. */
  private readonly offers: Offer[] = [];

  constructor(private readonly which: string) {
    if (which === 'offered') this.offers.push({ sources: ['/data/scan_8.czi', '/data/notes.csv'], refused: [] });
    if (which === 'copies') this.copies = fakeCopies();
    const worlds: Record<string, () => fake.World> = { empty: fake.emptyWorld, large: fake.largeWorld, hostile: hostileWorld, many: () => fake.longQueue(fake.busyWorld()) };
    const [world = which, live] = which.split('-');
    this.world = (worlds[world] ?? fake.busyWorld)();
    if (live !== undefined) setInterval(() => this.stir(), STIR);
    else if (!STILL.includes(which)) setInterval(() => this.tick(), TICK);
  }

  async call<Name extends CommandName>(command: Name, request: Commands[Name]['request']): Promise<Commands[Name]['answer']> {
    await new Promise((resolve) => setTimeout(resolve, 30));
    // A service that accepts and never answers.
    if (this.which === 'silent' && command === 'browse.list' && 'path' in request && request.path !== '') await new Promise(() => {});
    const answer = this.answers[command];
    if (answer === undefined) throw fake.problem('unsupported', 'error', `The made-up world does not know ${command}.`, 'Use the practice lab for it.', null);
    return structuredClone(answer(request)) as Commands[Name]['answer'];
  }

  listen(heard: (event: AppEvent) => void, again: () => void): () => void {
    this.heard.add(heard);
    again();
    return () => this.heard.delete(heard);
  }

  drags(heard: (drag: Drag) => void): () => void {
    const over = (event: DragEvent) => {
      event.preventDefault();
      heard({ phase: 'over', x: event.clientX, y: event.clientY, count: event.dataTransfer?.items.length ?? null, names: [] });
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      const names = [...(event.dataTransfer?.files ?? [])].map(({ name }) => name);
      heard({ phase: 'drop', x: event.clientX, y: event.clientY, names, sources: async () => names });
    };
    window.addEventListener('dragover', over);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragover', over);
      window.removeEventListener('drop', drop);
    };
  }

  chooseFiles = async (): Promise<string[]> => ['/data/microscope/2024-05-17/scan_122.czi', '/data/microscope/2024-05-17/a-very-long-name-of-an-instrument-export-0042.ome.tiff'];
  chooseFolder = async (): Promise<string | null> => '/data/microscope/2024-05-17';
  pasted = (data: DataTransfer): Promise<string[]> | null => (data.files.length === 0 ? null : Promise.resolve([...data.files].map(({ name }) => `/pasted/${name}`)));
  openPage = async (): Promise<void> => {};
  save = async (name: string, make: (path: string | null) => Promise<string | null>): Promise<boolean> => {
    keepAsFile(name, (await make(null)) ?? '');
    return true;
  };
  reveal = async (): Promise<boolean> => false;
  menu = async (): Promise<void> => {};

  private readonly answers: Partial<Answers> = {
    'lock.show': () => ({ locked: this.which === 'locked', open_seconds: null }),
    'app.state': () => ({ version: '0.1.0', data_folder: '/home/lab/.local/share/labferry', runs_engine: true, vault: 'keychain', tells_metered: true, practice_lab: this.world.accounts.some(({ practice }) => practice), interrupted: this.which === 'interrupted' ? 3 : 0 }),
    'accounts.services': () => fake.services,
    'accounts.list': () => this.world.accounts,
    'accounts.add': ({ name, secrets }) => {
      if (secrets['token'] === 'wrong') throw fake.problem('sign_in_needed', 'attention', 'The service does not accept the sign-in.', 'Add the account again with a valid token or key.', 'sign_in', 'HTTP 401');
      const row = fake.account(name, false);
      this.world.accounts.push(row);
      return row;
    },
    'accounts.expiry': ({ account, at }) => {
      const row = this.world.accounts.find(({ name }) => name === account) ?? fake.account(account, false);
      row.expiry = at === null ? null : { at, told_by: 'person', remaining: at < Date.now() ? 'over' : at < Date.now() + 14 * 86_400_000 ? 'soon' : 'long' };
      return structuredClone(row);
    },
    'accounts.remove': ({ account }) => {
      this.world.accounts = this.world.accounts.filter(({ name }) => name !== account);
      return { changed: 1 };
    },
    'practice_lab.start': () => {
      Object.assign(this.world, { ...fake.busyWorld(), accounts: [fake.account('Practice lab', true)], transfers: [] });
      return this.world.accounts;
    },
    'browse.list': ({ path, query, published }) => {
      if (this.which === 'error') throw fake.problem('unreachable', 'attention', 'Lab repository cannot be reached: connection refused.', 'Check the address and this computer’s network; it goes on by itself once the service answers.', 'retry', 'tcp connect error: connection refused (os error 111)');
      const wanted = (query ?? '').toLowerCase();
      const containers = (published ? this.world.published : this.world.mine).filter(({ title }) => title.toLowerCase().includes(wanted));
      const inside = path === '' ? containers : (this.world.inside.get(path) ?? []);
      const files = path === '' ? [] : (this.world.files.get(path) ?? []);
      const entries: EntryRow[] = [...inside.map((container): EntryRow => ({ kind: 'container', container })), ...files.map((file): EntryRow => ({ kind: 'file', file }))];
      return { entries, total: entries.length, next: null };
    },
    'browse.show': ({ path }) => {
      const container = [...this.world.mine, ...this.world.published, ...[...this.world.inside.values()].flat()].find((record) => record.path === path);
      if (container === undefined) throw fake.problem('not_found', 'error', `${path} was not found on the service.`, 'Check the name.', null);
      return { kind: 'container', container };
    },
    'files.preview': ({ path }) => fake.preview(path),
    'actions.list': () => fake.actions,
    'actions.run': ({ name, fields }) => ({ message: `${name} was done.`, path: null, details: fields }),
    'places.remove': ({ paths }) => {
      for (const [place, files] of this.world.files) this.world.files.set(place, files.filter(({ path }) => !paths.includes(path)));
      this.world.mine = this.world.mine.filter(({ path }) => !paths.includes(path));
      return { changed: paths.length };
    },
    'checks.run': ({ path, account, read_back }) =>
      (this.world.files.get(path) ?? []).map((file, at) => fake.checked(account, file, at % 7 === 3 ? 'differs' : file.verified ? 'verified' : read_back ? 'verified' : 'unverifiable')),
    'records.create': ({ metadata }) => {
      const made = fake.record(`new-${this.world.mine.length}`, String(metadata['title']), 'draft', 0, 0);
      this.world.mine.unshift(made);
      return made;
    },
    'uploads.plan': ({ sources, place, folders }) => fake.plan(sources, this.world.files.get(place) ?? [], folders),
    'offers.take': () => this.offers.splice(0)[0] ?? { sources: [], refused: [] },
    'uploads.import': ({ place, name, link }) => ({ path: `${place}/${name ?? link.split('/').pop() ?? link}` }),
    'accounts.capabilities': () => ({ imports_links: true, file_metadata: true, file_versions: false, delete: true, links: true, largest_file: null }),
    'uploads.add': ({ sources, account, place }) => {
      const rows = sources.map((source) => this.queue(fake.transfer(this.nextId(), source.split('/').pop() ?? source, 300 * 1024 * 1024, { account, place, local: source, state: 'waiting' })));
      return { ids: rows.map(({ id }) => id), continued: [], refused: [], renamed: [] };
    },
    'downloads.add': ({ account, paths, destination }) => {
      const rows = paths.map((path) => {
        const name = path.split('/').pop() ?? path;
        return this.queue(fake.transfer(this.nextId(), name, 300 * 1024 * 1024, { direction: 'download', account, place: path.split('/')[0] ?? '', local: `${destination}/${name}` }));
      });
      return { ids: rows.map(({ id }) => id), continued: [], refused: [], renamed: [] };
    },
    'copies.list': () => this.copies,
    'copies.files': ({ id }) => ({ rows: copyFiles(this.copies.find((row) => row.id === id)), next: null }),
    'copies.add': (request) => {
      const row = newCopy(this.copies.length + 1, request, request.paths.flatMap((path) => this.world.files.get(path) ?? [...this.world.files.values()].flat().filter((file) => file.path === path)));
      this.copies = [row, ...this.copies];
      return row;
    },
    'copies.stop': ({ ids }) => this.turn(ids, 'stopped'),
    'copies.retry': ({ ids }) => this.turn(ids, 'working'),
    'copies.forget': ({ ids }) => {
      this.copies = this.copies.filter(({ id }) => !ids.includes(id));
      return { changed: ids.length };
    },
    'preferences.show': () => this.preferences,
    'preferences.change': (row) => (this.preferences = row),
    'preferences.language': ({ language }) => (this.preferences = { ...this.preferences, language }),
    'transfers.move': ({ id, to }) => {
      const { order } = this.world;
      order.splice(order.indexOf(id), 1);
      order.splice(to === 'first' ? 0 : to === 'last' ? order.length : order.indexOf(Number(to)), 0, id);
      return { changed: 1 };
    },
    'transfers.batches': () => fake.batches(this.world.transfers),
    'transfers.list': ({ filter, batch, in_order, after, limit }) => ({
      rows: fake.page(this.world, filter === '' ? 'all' : (filter as keyof QueueCounts), batch, in_order === true, after, limit),
      counts: this.counts(),
      last_event: this.events,
    }),
    'transfers.show': ({ id }) => {
      const row = this.world.transfers.find((each) => each.id === id);
      if (row === undefined) throw fake.problem('not_found', 'error', 'There is no such transfer.', 'Look at the list again.', null);
      return { row, parts: fake.parts(row) };
    },
    'transfers.pause': (asked) => this.each(asked, (row) => isLive(row.state) || row.state === 'waiting', { state: 'paused', waiting: null }),
    'transfers.resume': (asked) => this.each(asked, ({ state }) => state === 'paused', { state: 'waiting', waiting: 'turn' }),
    'transfers.cancel': (asked) => this.each(asked, ({ state }) => !['done', 'failed', 'cancelled'].includes(state), { state: 'cancelled', waiting: null }),
    'transfers.retry': (asked) => this.each(asked, ({ state }) => ['failed', 'cancelled'].includes(state), { state: 'waiting', waiting: 'turn', problem: null }),
    'transfers.clear': ({ ids, all, batch }) => {
      const before = this.world.transfers.length;
      this.world.transfers = this.world.transfers.filter((row) => (all || batch !== undefined ? !matches('done', row) || (batch !== undefined && row.batch !== batch) : !ids.includes(row.id)));
      return { changed: before - this.world.transfers.length };
    },
    'receipts.export': ({ format }) => ({ text: `${format}\n`, written: 1 }),
    'accounts.test': ({ account }) => {
      if (account === 'Practice lab') return { user: 'Ada Lovelace', server: 'InvenioRDM 13', capabilities: {} };
      throw { ...fake.problem('sign_in_needed', 'attention', 'The service does not accept the sign-in.', 'Add the account again with a valid token or key.', 'sign_in', 'HTTP 401'), facts: { subject: null, cause: 'HTTP 401', cause_says_all: false, given_up: false, failed_part: 'credential' } };
    },
    'places.link': ({ path }) => ({ url: `https://repository.example.org/link/${path}`, expires: Date.now() + 3_600_000 }),
    'receipts.list': () =>
      this.world.transfers.filter(({ state }) => state === 'done').map((row) => ({ ...row, at: row.changed, checked: null, service: 'nrp', size: row.size ?? 0, proof: row.proof ?? 'size_only' })),
    'settings.show': () => ({ bandwidth: null, files: 3, parts_per_file: 4, connections_per_account: 6, metered: 'go_on' }),
    'settings.change': (row) => {
      if (this.which === 'locked') throw fake.problem('settings_locked', 'attention', 'The settings are locked.', 'Unlock them with their password.', 'unlock');
      return row;
    },
    'folders.list': () => (this.which === 'empty' ? [] : this.folders),
    'folders.files': ({ filter }) => ({
      rows: fake.watchedFiles.filter(({ state }) => filter === 'all' || filter === state || (filter === 'coming' && ['writing', 'settling', 'empty'].includes(state)) || (filter === 'needs_you' && ['changed', 'failed'].includes(state))),
      next: null,
    }),
    'folders.check': () => ({ send: fake.watchedFiles.slice(2), send_files: 20, send_bytes: 33 * 1024 ** 3, leave: [fake.watchedFile('notes.tmp', 'ignored', 12, 'Its name is one that programs give to unfinished files.')], leave_files: 1, notes: [] }),
    'folders.add': (rule) => {
      const row = { ...fake.watchedFolder(this.folders.length + 1, rule.folder, 'starting'), rule };
      this.folders.push(row);
      return row;
    },
    'folders.pause': ({ ids }) => this.stand(ids, 'paused'),
    'folders.resume': ({ ids }) => this.stand(ids, 'watching'),
    'folders.remove': ({ ids }) => {
      this.folders = this.folders.filter(({ id }) => !ids.includes(id));
      return { changed: ids.length };
    },
    'events.since': ({ number }) => ({ events: [], last_event: number, incomplete: false }),
  };

  private turn(ids: number[], state: string): { changed: number } {
    this.copies = this.copies.map((row) => (ids.includes(row.id) ? { ...row, state, problem: null } : row));
    return { changed: ids.length };
  }

  private stand(ids: number[], state: string): { changed: number } {
    this.folders = this.folders.map((row) => (ids.includes(row.id) ? { ...row, state, problem: null } : row));
    return { changed: ids.length };
  }

  private nextId(): number {
    return Math.max(0, ...this.world.transfers.map(({ id }) => id)) + 1;
  }

  private queue(row: TransferRow): TransferRow {
    this.world.transfers.unshift(row);
    this.world.order.push(row.id);
    this.tell(row);
    return row;
  }

  private each({ ids, all, batch }: TransferSelection, fits: (row: TransferRow) => boolean, change: Partial<TransferRow>): { changed: number } {
    const rows = this.world.transfers.filter((row) => (all || ids.includes(row.id) || row.batch === batch) && fits(row));
    for (const row of rows) this.change(row, change);
    return { changed: rows.length };
  }

  private change(row: TransferRow, change: Partial<TransferRow>): void {
    Object.assign(row, change, { changed: Date.now() });
    this.tell(row);
  }

  private counts(): QueueCounts {
    if (this.counted !== null && this.which.endsWith('-live')) return this.counted;
    const count = (filter: keyof QueueCounts) => this.world.transfers.filter((row) => matches(filter, row)).length;
    return (this.counted = { all: count('all'), active: count('active'), waiting: count('waiting'), needs_you: count('needs_you'), done: count('done') });
  }

  private tell(row: TransferRow): void {
    this.events += 1;
    const event: AppEvent = { type: 'transfer', number: this.events, after: this.events - 1, row: structuredClone(row), counts: this.counts() };
    for (const heard of this.heard) heard(event);
  }

  /** Tells of the newest transfers what the app would, without working on a hundred thousand rows for it. */
  private stir(): void {
    const rows = this.world.transfers.slice(0, 4);
    const turn = rows[this.events % rows.length];
    if (turn !== undefined) this.change(turn, { state: turn.state === 'moving' ? 'finishing' : 'moving', waiting: null, sent: (turn.sent + PART_STEP) % (turn.size ?? 1) });
    const samples = rows.map((row): ProgressSample => ({ id: row.id, bytes: row.sent, bytes_per_second: STEP, seconds_left: 60, verified_bytes: null, parts_in_flight: [1] }));
    for (const heard of this.heard) heard({ type: 'progress', samples, bytes_per_second: 4 * STEP });
  }

  /** Lets each moving transfer take a step, and the first waiting one begin. */
  private tick(): void {
    const samples: ProgressSample[] = [];
    const live = this.world.transfers.filter(({ state }) => isLive(state));
    for (const row of live) {
      const size = row.size ?? 0;
      if (row.state === 'moving' && row.sent < size) {
        row.sent = Math.min(size, row.sent + STEP);
        const rest = size - row.sent;
        samples.push({ id: row.id, bytes: row.sent, bytes_per_second: STEP * 4, seconds_left: Math.ceil(rest / (STEP * 4)), verified_bytes: null, parts_in_flight: [1, 2, 3].map((ahead) => Math.floor(row.sent / fake.PART) + ahead) });
      } else {
        const next: Record<string, Partial<TransferRow>> = {
          checking: { state: 'planned' },
          planned: { state: 'moving' },
          moving: { state: 'finishing' },
          finishing: { state: 'verifying' },
          verifying: { state: 'done', verified: true, proof: 'server_digest', digests: { sha256: fake.digits(row.name, 64), md5: fake.digits(row.name, 32) } },
        };
        this.change(row, next[row.state] ?? {});
        if (row.state === 'done' && row.direction === 'upload') this.world.files.set(row.place, [fake.file(row.place, row.name, size), ...(this.world.files.get(row.place) ?? []).filter(({ name }) => name !== row.name)]);
      }
    }
    const waiting = this.world.transfers.findLast(({ state, waiting: why }) => state === 'waiting' && why === 'turn');
    if (live.length < 2 && waiting) this.change(waiting, { state: 'checking', waiting: null });
    for (const heard of this.heard) heard({ type: 'progress', samples, bytes_per_second: samples.length * STEP * 4 });
  }
}
