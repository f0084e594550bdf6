import type { AddUploads, ProblemWords, Queued } from '../bindings/commands';
import { asProblem, type Drag, type Host } from '../host/host';

export type Clash = AddUploads['on_clash'];

/** Starting uploads and downloads: by button, by key, or by dropping. */
export class Moves {
  /** What is being dragged over the window. */
  drag = $state.raw<{ count: number | null } | null>(null);
  /** A file to be uploaded once more, in another way, instead of a transfer that failed. */
  again = $state.raw<{ account: string; place: string; source: string; instead: number } | null>(null);
  /** What the last drop could not add. */
  refused = $state.raw<readonly ProblemWords[]>([]);
  /** How many dropped files are being taken over. */
  taking = $state(0);

  constructor(
    private readonly host: Host,
    /** The record that is open and takes files. */
    private readonly target: () => { account: string; place: string } | null,
  ) {}

  start(): () => void {
    return this.host.drags((drag) => void this.heard(drag));
  }

  /** Queues files for a record. Rejects with the problem when nothing was queued. */
  async upload(sources: string[], to: { account: string; place: string }, clash: Clash): Promise<Queued> {
    try {
      return await this.host.call('uploads.add', { sources, ...to, name: null, metadata: {}, on_clash: clash, shape: 'auto', verify: 'auto' });
    } catch (thrown) {
      throw asProblem(thrown);
    }
  }

  async download(account: string, paths: string[], destination: string): Promise<Queued> {
    try {
      return await this.host.call('downloads.add', { account, paths, destination, on_clash: 'ask', shape: 'auto' });
    } catch (thrown) {
      throw asProblem(thrown);
    }
  }

  private async heard(drag: Drag): Promise<void> {
    if (drag.phase === 'over') {
      if (this.drag?.count !== drag.count) this.drag = { count: drag.count };
      return;
    }
    this.drag = null;
    const target = this.target();
    if (drag.phase === 'leave' || target === null) return;
    this.taking = drag.names.length;
    this.refused = [];
    try {
      const { refused } = await this.upload(await drag.sources(), target, 'ask');
      this.refused = refused;
    } catch (thrown) {
      this.refused = [asProblem(thrown)];
    } finally {
      this.taking = 0;
    }
  }
}
