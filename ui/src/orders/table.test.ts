import { describe, expect, it } from 'vitest';
import { accelerator, menus, orderOf, orders, shownKey } from './table';

const press = (key: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {}) => orderOf({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

describe('the table of orders', () => {
  it('finds an order by its key and by nothing less or more', () => {
    expect(press('u', { ctrlKey: true })).toBe('upload');
    expect(press('U', { metaKey: true })).toBe('upload');
    expect(press('u')).toBe(null);
    expect(press('u', { ctrlKey: true, altKey: true })).toBe(null);
    expect(press('d', { ctrlKey: true })).toBe('download');
    expect(press('ArrowDown', { altKey: true })).toBe('download');
    expect(press('ArrowDown', { altKey: true, shiftKey: true })).toBe(null);
    expect(press('j', { ctrlKey: true })).toBe('drawer');
    expect(press('J', { ctrlKey: true, shiftKey: true })).toBe('full');
  });

  it('takes signs however a keyboard makes them', () => {
    expect(press('+', { ctrlKey: true })).toBe('larger');
    expect(press('+', { ctrlKey: true, shiftKey: true })).toBe('larger');
    expect(press('=', { ctrlKey: true })).toBe('larger');
    expect(press('-', { ctrlKey: true })).toBe('smaller');
    expect(press('?', { shiftKey: true })).toBe('help');
    expect(press('?')).toBe('help');
    expect(press('F1')).toBe('help');
  });

  it('gives each key to one order, and shows it as people and menus want it', () => {
    const keys = Object.values(orders).flatMap((order) => order.keys);
    expect(new Set(keys).size).toBe(keys.length);
    expect([shownKey('Mod+Shift+J', false), shownKey('Mod+,', true), shownKey('Alt+ArrowLeft', false), shownKey('Mod++', false)]).toEqual(['Ctrl Shift J', '⌘,', 'Alt ←', 'Ctrl +']);
    expect([accelerator('Mod+U'), accelerator('Mod++'), accelerator('Alt+ArrowLeft'), accelerator('F5')]).toEqual(['CmdOrCtrl+U', 'CmdOrCtrl+Plus', 'Alt+Left', 'F5']);
  });

  it('has every order in one menu', () => {
    const listed = Object.values(menus).flat().filter((name) => name !== null);
    expect([...listed].sort()).toEqual(Object.keys(orders).sort());
  });
});
