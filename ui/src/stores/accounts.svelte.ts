import type { AccountRow, AddAccount, AppState, ProblemWords, ServiceRow, SignInAnswer } from '../bindings/commands';
import { asProblem, type Host } from '../host/host';

/** The accounts, the services there are, and how the program stands. */
export class Accounts {
  list = $state.raw<readonly AccountRow[]>([]);
  services = $state.raw<readonly ServiceRow[]>([]);
  app = $state.raw<AppState | null>(null);
  ready = $state(false);
  startingLab = $state(false);
  problem = $state.raw<ProblemWords | null>(null);

  constructor(private readonly host: Host) {}

  async load(): Promise<void> {
    try {
      [this.app, this.list, this.services] = await Promise.all([
        this.host.call('app.state', {}),
        this.host.call('accounts.list', {}),
        this.host.call('accounts.services', {}),
      ]);
      this.problem = null;
      this.ready = true;
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  /** Makes an account. Rejects with the problem, which belongs to the form. */
  async add(request: AddAccount): Promise<AccountRow> {
    try {
      const row = await this.host.call('accounts.add', request);
      await this.load();
      return row;
    } catch (thrown) {
      throw asProblem(thrown);
    }
  }

  async test(account: string): Promise<SignInAnswer> {
    return this.host.call('accounts.test', { account });
  }

  /** Notes until when a sign-in is good, none to forget it. Rejects with the problem, which belongs to the form. */
  async expires(account: string, at: number | null): Promise<void> {
    const row = await this.host.call('accounts.expiry', { account, at });
    this.list = this.list.map((each) => (each.name === row.name ? row : each));
  }

  async remove(account: string): Promise<void> {
    try {
      await this.host.call('accounts.remove', { account });
      await this.load();
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  /** Starts the practice lab; its first account, or none when that failed. */
  async startLab(): Promise<AccountRow | null> {
    this.startingLab = true;
    try {
      const rows = await this.host.call('practice_lab.start', {});
      await this.load();
      return rows[0] ?? null;
    } catch (thrown) {
      this.problem = asProblem(thrown);
      return null;
    } finally {
      this.startingLab = false;
    }
  }
}
