/** Ways to look at a place's files. */
export type View = 'table' | 'cards';
/** What files are put in order by; `service` leaves them as the service lists them. */
export const orders = ['service', 'name', 'size', 'state', 'changed'] as const;
export type Order = (typeof orders)[number];
/** Which files are shown. */
export const kinds = ['all', 'verified', 'unproven', 'unfinished'] as const;
export type Kind = (typeof kinds)[number];

export interface Look {
  view: View;
  order: Order;
  down: boolean;
}

const KEPT = 'labferry-looks';
const usual: Look = { view: 'table', order: 'service', down: false };
/** Accounts whose look is remembered. */
const MOST = 100;

/** How each account's files are looked at, remembered from one start to the next. */
export class Looks {
  private all = $state.raw<Readonly<Record<string, Look>>>({});

  constructor(private readonly kept: Pick<Storage, 'getItem' | 'setItem'>) {
    try {
      const read: unknown = JSON.parse(kept.getItem(KEPT) ?? '{}');
      if (typeof read === 'object' && read !== null) this.all = read as Record<string, Look>;
    } catch {
      // Somebody else wrote there: the usual looks do.
    }
  }

  of(account: string | null): Look {
    const found = account === null || !Object.hasOwn(this.all, account) ? undefined : this.all[account];
    return {
      view: found?.view === 'cards' ? 'cards' : usual.view,
      order: orders.find((known) => known === found?.order) ?? usual.order,
      down: found?.down === true,
    };
  }

  change(account: string | null, change: Partial<Look>): void {
    if (account === null) return;
    const others = Object.entries(this.all).filter(([name]) => name !== account);
    this.all = Object.fromEntries([...others.slice(-(MOST - 1)), [account, { ...this.of(account), ...change }]]);
    this.kept.setItem(KEPT, JSON.stringify(this.all));
  }
}
