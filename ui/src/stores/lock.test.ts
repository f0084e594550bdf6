import { describe, expect, it, vi } from 'vitest';
import type { Host } from '../host/host';
import { Lock } from './lock.svelte';

const locked = { code: 'settings_locked', severity: 'attention', message: 'Locked.', next: 'Unlock.', button: 'unlock', detail: null };

function hostThat(refuses: () => boolean) {
  const call = vi.fn(async (command: string) => {
    if (command === 'settings.change' && refuses()) throw locked;
    return command === 'lock.open' ? { locked: true, open_seconds: 600 } : { done: command };
  });
  return { call, host: { call } as unknown as Host };
}
const change = (host: Host) => host.call('settings.change', { bandwidth: null, files: 1, parts_per_file: 1, connections_per_account: 1 });

describe('the lock', () => {
  it('asks once for what waits, and tries it again when it is unlocked', async () => {
    let shut = true;
    const { host, call } = hostThat(() => shut);
    const lock = new Lock(host);
    const both = Promise.all([change(host), change(host)]);
    await vi.waitFor(() => expect(lock.asking).toBe(true));
    expect(await lock.open('a word')).toBeNull();
    shut = false;
    lock.answer(true);
    expect(await both).toEqual([{ done: 'settings.change' }, { done: 'settings.change' }]);
    expect(lock.asking).toBe(false);
    expect(call.mock.calls.filter(([command]) => command === 'settings.change')).toHaveLength(4);
  });

  it('gives the refusal to whoever asked when nobody unlocks', async () => {
    const { host } = hostThat(() => true);
    const lock = new Lock(host);
    const refused = change(host).catch((thrown: unknown) => thrown);
    await vi.waitFor(() => expect(lock.asking).toBe(true));
    lock.answer(false);
    expect(await refused).toBe(locked);
  });
});
