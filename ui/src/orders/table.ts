/** Everything the window does by a key or from its menu: one table for the keyboard, the menu bar and the list of keys. */
export type OrderName =
  | 'upload' | 'download' | 'copy' | 'addAccount' | 'settings' | 'quit'
  | 'filter' | 'refresh'
  | 'back' | 'forward' | 'records' | 'folders' | 'receipts' | 'larger' | 'smaller' | 'usualSize'
  | 'transfers' | 'drawer' | 'full' | 'pauseAll' | 'resumeAll' | 'clearDone'
  | 'help';

export interface Order {
  /** Keys as `Mod+Shift+J`: `Mod` is Ctrl, and ⌘ on a Mac; the last part is a `KeyboardEvent.key`. The first is shown. */
  readonly keys: readonly string[];
  /** Whether it works while a sheet is open, too. */
  readonly anywhere?: boolean;
}

export const orders: Readonly<Record<OrderName, Order>> = {
  upload: { keys: ['Mod+U'] },
  download: { keys: ['Mod+D', 'Alt+ArrowDown'] },
  copy: { keys: ['Mod+Shift+C'] },
  addAccount: { keys: [] },
  settings: { keys: ['Mod+,', 'Mod+5'] },
  quit: { keys: [] },
  filter: { keys: ['Mod+F'] },
  refresh: { keys: ['F5'] },
  back: { keys: ['Alt+ArrowLeft'] },
  forward: { keys: ['Alt+ArrowRight'] },
  records: { keys: ['Mod+1'] },
  transfers: { keys: ['Mod+2'] },
  folders: { keys: ['Mod+3'] },
  receipts: { keys: ['Mod+4'] },
  // `+` needs Shift on many keyboards, and Shift is no part of what is meant.
  larger: { keys: ['Mod++', 'Mod+=', 'Mod+Shift++'], anywhere: true },
  smaller: { keys: ['Mod+-'], anywhere: true },
  usualSize: { keys: ['Mod+0'], anywhere: true },
  drawer: { keys: ['Mod+J'] },
  full: { keys: ['Mod+Shift+J'] },
  pauseAll: { keys: [] },
  resumeAll: { keys: [] },
  clearDone: { keys: [] },
  help: { keys: ['F1', '?'] },
};

export const menus = {
  file: ['upload', 'download', 'copy', null, 'addAccount', 'settings', null, 'quit'],
  edit: ['filter', 'refresh'],
  view: ['back', 'forward', null, 'records', 'folders', 'receipts', null, 'larger', 'smaller', 'usualSize'],
  transfers: ['transfers', 'drawer', 'full', null, 'pauseAll', 'resumeAll', null, 'clearDone'],
  help: ['help'],
} as const satisfies Record<string, readonly (OrderName | null)[]>;

export type MenuName = keyof typeof menus;

/** The parts of a key: `Mod++` ends with the key `+`. */
function partsOf(key: string): { held: readonly string[]; pressed: string } {
  const at = key.lastIndexOf('+', key.length - 2);
  return { held: at < 0 ? [] : key.slice(0, at).split('+'), pressed: key.slice(at + 1) };
}

type Pressed = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>;

/** The order that was given by a key, or none. */
export function orderOf(event: Pressed): OrderName | null {
  const mod = event.ctrlKey || event.metaKey;
  const fits = (key: string) => {
    const { held, pressed } = partsOf(key);
    // A sign that needs Shift to be typed says all by itself.
    const shift = pressed === '?' || held.includes('Shift') === event.shiftKey;
    return held.includes('Mod') === mod && held.includes('Alt') === event.altKey && shift && pressed.toLowerCase() === event.key.toLowerCase();
  };
  const names = Object.keys(orders) as OrderName[];
  return names.find((name) => orders[name].keys.some(fits)) ?? null;
}

const signs: Readonly<Record<string, string>> = { ArrowLeft: '←', ArrowRight: '→', ArrowDown: '↓', ArrowUp: '↑', '-': '−' };

/** A key as people read it. */
export function shownKey(key: string, mac: boolean): string {
  const { held, pressed } = partsOf(key);
  const sign = signs[pressed] ?? pressed;
  if (!mac) return [...held.map((part) => (part === 'Mod' ? 'Ctrl' : part)), sign].join(' ');
  return [...held.map((part) => ({ Mod: '⌘', Shift: '⇧', Alt: '⌥' })[part] ?? part), sign].join('');
}

/** A key as the system's menu wants it. */
export function accelerator(key: string): string {
  const { held, pressed } = partsOf(key);
  const names: Readonly<Record<string, string>> = { ArrowLeft: 'Left', ArrowRight: 'Right', ArrowDown: 'Down', '+': 'Plus', '-': 'Minus', ',': 'Comma' };
  return [...held.map((part) => (part === 'Mod' ? 'CmdOrCtrl' : part)), names[pressed] ?? pressed].join('+');
}
