import { getContext, setContext } from 'svelte';
import type { Host } from '../host/host';
import { Orders } from '../orders/orders';
import { words } from '../words/words';
import { Accounts } from './accounts.svelte';
import { Browser } from './browser.svelte';
import { Copies } from './copies.svelte';
import { Folders } from './folders.svelte';
import { Lock } from './lock.svelte';
import { Looks } from './looks.svelte';
import { Moves } from './moves.svelte';
import { Settings } from './settings.svelte';
import { Transfers } from './transfers.svelte';

export interface Stores {
  host: Host;
  accounts: Accounts;
  browser: Browser;
  folders: Folders;
  copies: Copies;
  transfers: Transfers;
  moves: Moves;
  settings: Settings;
  looks: Looks;
  lock: Lock;
  orders: Orders;
}

const KEY = Symbol('stores');

/** Makes the stores of a window, connected with one another, and gives them to the components below. */
export function provideStores(host: Host, kept: Pick<Storage, 'getItem' | 'setItem'>): Stores {
  const browser = new Browser(host);
  const target = () => (browser.account !== null && browser.record?.writable ? { account: browser.account, place: browser.record.path, title: browser.record.title } : null);
  const stores: Stores = {
    host,
    browser,
    folders: new Folders(host),
    copies: new Copies(host),
    accounts: new Accounts(host),
    transfers: new Transfers(host),
    moves: new Moves(host, target),
    settings: new Settings(kept),
    looks: new Looks(kept),
    lock: new Lock(host),
    orders: new Orders(),
  };
  stores.transfers.onChanged.push((rows) => browser.heard(rows));
  stores.moves.onQueued = ({ ids }, { instead }) => {
    // What was just added is what somebody wants to see.
    stores.transfers.select(null);
    if (instead !== undefined && ids.length > 0) void stores.transfers.order('clear', instead);
  };
  stores.moves.onSaid = (sentence) => (stores.transfers.said = sentence);
  stores.copies.onTurned = (row) => {
    const [what, to] = [browser.titleOf(row.account, row.source), browser.titleOf(row.to_account, row.to_place) || row.to_account];
    if (row.state === 'done') stores.transfers.said = words.copies.saidDone(what, to);
    else if (row.state === 'needs_you') stores.transfers.said = words.copies.saidNeeds(what);
  };
  stores.transfers.onAccounts = () => void stores.accounts.load();
  return setContext(KEY, stores);
}

export const useStores = (): Stores => getContext<Stores>(KEY);
