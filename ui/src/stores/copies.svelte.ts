import type { AddCopy, AppEvent, CopyFileRow, CopyRow, ProblemWords } from '../bindings/commands';
import { asProblem, type Host } from '../host/host';
import { newest } from './newest';

/** Files of a copy that are named where it needs somebody; there may be a bundle of them. */
const NAMED = 100;

/** Copies from one place to another, kept fresh by events. */
export class Copies {
  /** The newest first. */
  list = $state.raw<readonly CopyRow[]>([]);
  problem = $state.raw<ProblemWords | null>(null);
  /** Calls who wants to know that a copy is over or needs somebody. */
  onTurned: (row: CopyRow) => void = () => {};

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
      this.list = await newest(() => this.heard, () => this.host.call('copies.list', {}));
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  /** Begins a copy, or goes on with the same one. Rejects with the problem, which belongs to the form. */
  async add(request: AddCopy): Promise<CopyRow> {
    const row = await this.host.call('copies.add', request);
    await this.load();
    return row;
  }

  /** The first of its files that failed. */
  async failed(id: number): Promise<CopyFileRow[]> {
    const { rows } = await this.host.call('copies.files', { id, filter: 'needs_you', after: null, limit: NAMED });
    return rows;
  }

  stop = (id: number): Promise<void> => this.told(() => this.host.call('copies.stop', { ids: [id] }));
  forget = (id: number): Promise<void> => this.told(() => this.host.call('copies.forget', { ids: [id] }));
  /** Forgets every copy that is done. */
  forgetDone = async (): Promise<void> => {
    const ids = this.list.filter(({ state }) => state === 'done').map(({ id }) => id);
    if (ids.length > 0) await this.told(() => this.host.call('copies.forget', { ids }));
  };
  /** Lets it go on; with an answer for names that are taken. */
  retry = (id: number, answer: AddCopy['on_clash'] | null): Promise<void> => this.told(() => this.host.call('copies.retry', { ids: [id], on_clash: answer }));

  private async told(act: () => Promise<unknown>): Promise<void> {
    try {
      this.problem = null;
      await act();
      await this.load();
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  private hear(event: AppEvent): void {
    if (event.type === 'copies_changed') {
      this.heard += 1;
      void this.load();
    } else if (event.type === 'copy') {
      this.heard += 1;
      const before = this.list.find(({ id }) => id === event.row.id);
      this.list = this.list.map((row) => (row.id === event.row.id ? event.row : row));
      if (before !== undefined && before.state !== event.row.state) this.onTurned(event.row);
    }
  }
}
