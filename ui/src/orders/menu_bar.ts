import { words } from '../words/words';
import { accelerator, menus, orders, type MenuName, type OrderName } from './table';

/** A line of a menu; none is a rule between two groups. */
export type MenuLine = { name: OrderName; text: string; accelerator: string | null } | null;
export interface Menu {
  text: string;
  lines: readonly MenuLine[];
}

/** The menu bar in the window's language, made from the table of orders. */
export function menuBar(): Menu[] {
  const line = (name: OrderName | null): MenuLine => {
    const key = name === null ? undefined : orders[name].keys[0];
    return name === null ? null : { name, text: words.orders[name], accelerator: key === undefined ? null : accelerator(key) };
  };
  return (Object.keys(menus) as MenuName[]).map((menu) => ({ text: words.menus[menu], lines: menus[menu].map(line) }));
}
