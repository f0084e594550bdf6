import type { AppEvent, FolderCheck, FolderFiles, FolderRow, FolderRule, ProblemWords } from '../bindings/commands';
import { asProblem, type Host } from '../host/host';
import { newest } from './newest';

/** Which of a rule's files are listed. */
export type FileFilter = 'all' | 'coming' | 'queued' | 'done' | 'needs_you' | 'ignored';
export type FileAnswer = 'send' | 'new_name' | 'replace' | 'leave';

/** A rule that sends every file that comes to rest, and nothing else happens. */
export const plainRule = (account: string, place: string): FolderRule => ({
  folder: '',
  account,
  place,
  unit: 'file',
  subfolders: true,
  include: [],
  exclude: [],
  ignore_temporary: true,
  quiet_seconds: null,
  markers: [],
  backlog: 'all',
  since: null,
  on_clash: 'ask',
  after: 'keep',
  sent_folder: null,
  put_away_seconds: null,
  duplicates: 'send',
  path_pattern: null,
  metadata: {},
  record_template: null,
  sidecar: null,
  hours: [],
  archive_runs: false,
  poll_seconds: null,
});

/** The watched folders, kept fresh by events. */
export class Folders {
  list = $state.raw<readonly FolderRow[]>([]);
  ready = $state(false);
  problem = $state.raw<ProblemWords | null>(null);
  /** Rules that wait for a person: suspended ones, and those with files that need an answer. */
  readonly needYou = $derived(this.list.filter(({ state, counts }) => state === 'suspended' || counts.changed + counts.failed + counts.empty > 0).length);

  /** Counts what was heard, so that an answer from before it is asked for again. */
  private heard = 0;

  constructor(private readonly host: Host) {}

  /** Begins to hear; returns how to stop. */
  start(): () => void {
    return this.host.listen(
      (event) => this.hear(event),
      () => void this.load(),
    );
  }

  async load(): Promise<void> {
    try {
      this.list = await newest(() => this.heard, () => this.host.call('folders.list', {}));
      this.ready = true;
      this.problem = null;
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  /** What a rule would do now. Rejects with the problem, which belongs to the form. */
  check(rule: FolderRule): Promise<FolderCheck> {
    return this.host.call('folders.check', rule);
  }

  /** Makes a rule. Rejects with the problem, which belongs to the form. */
  async add(rule: FolderRule): Promise<FolderRow> {
    const row = await this.host.call('folders.add', rule);
    await this.load();
    return row;
  }

  files(id: number, filter: FileFilter, after: string | null): Promise<FolderFiles> {
    return this.host.call('folders.files', { id, filter, after, limit: 0 });
  }

  pause = (id: number): Promise<void> => this.order('folders.pause', id);
  /** Lets a paused rule go on, or confirms that a replaced folder is the right one. */
  resume = (id: number): Promise<void> => this.order('folders.resume', id);
  remove = (id: number): Promise<void> => this.order('folders.remove', id);

  async answer(id: number, names: string[], answer: FileAnswer): Promise<void> {
    await this.told(() => this.host.call('folders.answer', { id, names, answer }));
  }

  private order(command: 'folders.pause' | 'folders.resume' | 'folders.remove', id: number): Promise<void> {
    return this.told(() => this.host.call(command, { ids: [id], all: false }));
  }

  private async told(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
      await this.load();
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  private hear(event: AppEvent): void {
    if (event.type === 'folders_changed' || event.type === 'folder') this.heard += 1;
    if (event.type === 'folders_changed') void this.load();
    if (event.type === 'folder') this.list = this.list.map((row) => (row.id === event.row.id ? event.row : row));
  }
}
