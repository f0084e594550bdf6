import { describe, expect, it } from 'vitest';
import { Looks } from './looks.svelte';

describe('looks', () => {
  const storage = (text: string | null) => ({ text, getItem: () => text, setItem(_: string, value: string) { this.text = value; } });

  it('are remembered for each account', () => {
    const kept = storage(null);
    new Looks(kept).change('Lab', { view: 'cards', order: 'size', down: true });
    const again = new Looks(storage(kept.text));
    expect(again.of('Lab')).toEqual({ view: 'cards', order: 'size', down: true });
    expect(again.of('Other')).toEqual({ view: 'table', order: 'service', down: false });
    expect(again.of('constructor').view).toBe('table');
  });

  it('are the usual ones where something else was written', () => {
    for (const text of ['nonsense', 'null', '[]', '{"Lab":7}', '{"Lab":{"order":"weight","view":3}}']) expect(new Looks(storage(text)).of('Lab').order).toBe('service');
  });
});
