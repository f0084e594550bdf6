import type { AddUploads, ProblemWords, Queued, UploadPlan } from '../bindings/commands';
import { asProblem, type Drag, type Host } from '../host/host';
import { words } from '../words/words';
import { needsAnswer, type Answers, type Clash, type Wish } from './preflight';

export type { Clash };

/** Files that wait for a person's answer before anything of them is sent. */
export interface Question {
  wish: Wish;
  plan: UploadPlan;
}

interface Target {
  account: string;
  place: string;
  title: string;
}

/** Starting uploads and downloads: by button, by key, by dropping or by pasting. */
export class Moves {
  /** What is being dragged over the window. */
  drag = $state.raw<{ count: number | null } | null>(null);
  /** A file to be uploaded once more, in another way, instead of a transfer that failed. */
  again = $state.raw<{ account: string; place: string; source: string; instead: number } | null>(null);
  /** What the last drop could not add. */
  refused = $state.raw<readonly ProblemWords[]>([]);
  /** Paths that another program handed over, until somebody says where they go. */
  offered = $state.raw<readonly string[]>([]);
  /** How many dropped files are being taken over. */
  taking = $state(0);
  /** What is asked before files are sent, the oldest first: a second drop waits behind the first. */
  questions = $state.raw<readonly Question[]>([]);
  /** Calls who wants to know that files were queued. */
  onSaid: (sentence: string) => void = () => {};
  onQueued: (queued: Queued, wish: Wish) => void = () => {};

  constructor(
    private readonly host: Host,
    /** The record that is open and takes files. */
    private readonly target: () => Target | null,
  ) {}

  start(): () => void {
    const stops = [
      this.host.drags((drag) => void this.heard(drag)),
      this.host.listen(
        (event) => {
          if (event.type === 'offered') void this.takeOffer();
        },
        () => void this.takeOffer(),
      ),
    ];
    return () => stops.forEach((stop) => stop());
  }

  /** Takes what another program handed over. Where a record is open that takes files, it is asked about at once. */
  private async takeOffer(): Promise<void> {
    try {
      const { sources, refused } = await this.host.call('offers.take', {});
      if (refused.length > 0) this.refused = [...this.refused, ...refused];
      if (sources.length === 0) return;
      this.offered = [...this.offered, ...sources];
      if (this.target() !== null) await this.sendOffered();
    } catch (thrown) {
      this.refused = [...this.refused, asProblem(thrown)];
    }
  }

  /** Asks about what was handed over, for the record that is open. Nobody dropped these files on it, so that it always asks. */
  async sendOffered(): Promise<void> {
    const [target, sources] = [this.target(), this.offered];
    if (target === null || sources.length === 0) return;
    this.offered = [];
    try {
      const wish: Wish = { sources: [...sources], ...target, clash: 'ask', metadata: {} };
      const plan = await this.host.call('uploads.plan', request(wish, {}));
      this.questions = [...this.questions, { wish, plan }];
    } catch (thrown) {
      this.refused = [...this.refused, asProblem(thrown)];
    }
  }

  /**
   * Queues files for a record, or asks first where something has to be decided: then nothing is queued yet, and nothing
   * is answered. Rejects with the problem when nothing can be queued.
   */
  async upload(wish: Wish): Promise<Queued | null> {
    try {
      const plan = await this.host.call('uploads.plan', request(wish, {}));
      if (needsAnswer(plan, wish)) {
        this.questions = [...this.questions, { wish, plan }];
        return null;
      }
      return await this.queue(wish, {});
    } catch (thrown) {
      throw asProblem(thrown);
    }
  }

  /** What another way to name files in folders would do. */
  async planAgain(question: Question, folders: NonNullable<Wish['folders']>): Promise<Question> {
    const wish = { ...question.wish, folders };
    try {
      const plan = await this.host.call('uploads.plan', request(wish, {}));
      const next = { wish, plan };
      this.questions = this.questions.map((each) => (each === question ? next : each));
      return next;
    } catch (thrown) {
      throw asProblem(thrown);
    }
  }

  /** Sends what was asked about, as it was answered. */
  async answer(question: Question, wish: Wish, answers: Answers): Promise<void> {
    try {
      const { refused } = await this.queue(wish, answers);
      this.drop(question);
      // What the sheet said already need not be said again.
      if (refused.length > question.plan.refused_count) this.refused = refused;
    } catch (thrown) {
      throw asProblem(thrown);
    }
  }

  /** Sends nothing of what was asked about. */
  drop(question: Question): void {
    this.questions = this.questions.filter((each) => each.wish.sources !== question.wish.sources);
  }

  private async queue(wish: Wish, answers: Answers): Promise<Queued> {
    const queued = await this.host.call('uploads.add', request(wish, answers));
    this.onQueued(queued, wish);
    return queued;
  }

  async download(account: string, paths: string[], destination: string): Promise<Queued> {
    try {
      return await this.host.call('downloads.add', { account, paths, destination, on_clash: 'ask', shape: 'auto' });
    } catch (thrown) {
      throw asProblem(thrown);
    }
  }

  /** Lets the service fetch a file by itself; `changed` is called when it has the file, or gave it up. */
  async fetchLink(to: { account: string; place: string }, link: string, name: string, changed: () => void): Promise<void> {
    let path: string;
    try {
      ({ path } = await this.host.call('uploads.import', { ...to, link, name: name === '' ? null : name, media_type: null }));
    } catch (thrown) {
      throw asProblem(thrown);
    }
    changed();
    this.onSaid(words.link.begun(path.split('/').pop() ?? path));
    const failed = (thrown: unknown) => void (this.refused = [...this.refused, asProblem(thrown)]);
    void this.host.call('browse.processed', { account: to.account, path }).catch(failed).finally(changed);
  }

  /** Takes files that were pasted; false when there are none, or no record to take them. */
  paste(data: DataTransfer): boolean {
    const target = this.target();
    const names = [...data.files].map(({ name }) => name);
    if (target === null || (names.length === 0 && !data.types.includes('text/uri-list'))) return false;
    const pasted = this.host.pasted(data);
    if (pasted === null) return false;
    void this.take(names.length || 1, () => pasted, target);
    return true;
  }

  private async heard(drag: Drag): Promise<void> {
    if (drag.phase === 'over') {
      if (this.drag?.count !== drag.count) this.drag = { count: drag.count };
      return;
    }
    this.drag = null;
    const target = this.target();
    if (drag.phase === 'leave' || target === null) return;
    await this.take(drag.names.length, drag.sources, target);
  }

  private async take(count: number, sources: () => Promise<string[]>, target: Target): Promise<void> {
    this.taking += count;
    this.refused = [];
    try {
      const queued = await this.upload({ sources: await sources(), ...target, clash: 'ask', metadata: {} });
      this.refused = queued?.refused ?? [];
    } catch (thrown) {
      this.refused = [asProblem(thrown)];
    } finally {
      this.taking -= count;
    }
  }
}

function request(wish: Wish, answers: Answers): AddUploads {
  const { sources, account, place, clash, metadata, folders } = wish;
  return { sources, account, place, name: null, metadata, on_clash: clash, shape: 'auto', verify: 'auto', answers, ...(folders ? { folders } : {}) };
}
