import type { CommandName, Commands, LockRow, ProblemWords } from '../bindings/commands';
import { asProblem, type Host } from '../host/host';

/** The lock on settings, accounts and rules: whatever is refused because of it asks for the password, and is then tried once more. */
export class Lock {
  row = $state.raw<LockRow>({ locked: false, open_seconds: null });
  /** Whether the password is asked for now. */
  asking = $state(false);
  /** Whether the dialog to set, change or take away the password is open. */
  setting = $state(false);

  private readonly call: Host['call'];
  private answered: ((unlocked: boolean) => void)[] = [];

  constructor(host: Host) {
    this.call = host.call.bind(host);
    // Every call of the window goes through here, so that no screen needs to know of the lock.
    host.call = this.through;
  }

  private through = async <Name extends CommandName>(command: Name, request: Commands[Name]['request']): Promise<Commands[Name]['answer']> => {
    try {
      return await this.call(command, request);
    } catch (thrown) {
      if (asProblem(thrown).code !== 'settings_locked' || !(await this.ask())) throw thrown;
      return this.call(command, request);
    }
  };

  /** Asks for the password; several that wait are answered together. */
  private ask(): Promise<boolean> {
    this.asking = true;
    return new Promise((answered) => this.answered.push(answered));
  }

  /** Ends the question. */
  answer(unlocked: boolean): void {
    this.asking = false;
    for (const answered of this.answered.splice(0)) answered(unlocked);
  }

  async load(): Promise<void> {
    try {
      this.row = await this.call('lock.show', {});
    } catch {
      // An older program without a lock.
      this.row = { locked: false, open_seconds: null };
    }
  }

  open = (password: string): Promise<ProblemWords | null> => this.told(async () => (this.row = await this.call('lock.open', { password })));
  close = (): Promise<ProblemWords | null> => this.told(async () => (this.row = await this.call('lock.close', {})));
  set = (password: string, old: string): Promise<ProblemWords | null> => this.told(async () => (this.row = await this.call('lock.set', { password, ...(old === '' ? {} : { old }) })));
  remove = (password: string): Promise<ProblemWords | null> => this.told(async () => (this.row = await this.call('lock.remove', { password })));

  private async told(act: () => Promise<unknown>): Promise<ProblemWords | null> {
    try {
      await act();
      return null;
    } catch (thrown) {
      return asProblem(thrown);
    }
  }
}
