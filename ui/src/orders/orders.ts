import { orderOf, orders, type OrderName } from './table';

const writingIn = (target: EventTarget | null) => target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;

/** What happens at an order: whoever can follow it says so. Keys and the menu bar come together here. */
export class Orders {
  private readonly followers = new Map<OrderName, () => void>();

  /** Follows these orders until the function it gives is called. */
  follow(what: Partial<Record<OrderName, () => void>>): () => void {
    const entries = Object.entries(what) as [OrderName, () => void][];
    for (const [name, run] of entries) this.followers.set(name, run);
    return () => {
      for (const [name, run] of entries) if (this.followers.get(name) === run) this.followers.delete(name);
    };
  }

  /** Does what was ordered; false when nothing can be done about it now. An open sheet comes first. */
  run(name: OrderName): boolean {
    const run = this.followers.get(name);
    if (run === undefined) return false;
    if (orders[name].anywhere === true || document.querySelector('dialog[open]') === null) run();
    return true;
  }

  /** Hears a key. */
  pressed = (event: KeyboardEvent): void => {
    const name = orderOf(event);
    // Somebody who writes a question mark means it.
    if (name === null || (event.key === '?' && writingIn(event.target))) return;
    if (this.run(name)) event.preventDefault();
  };

  /** Hears a mouse: its buttons for back and forward. */
  clicked = (event: MouseEvent): void => {
    const name = event.button === 3 ? 'back' : event.button === 4 ? 'forward' : null;
    if (name !== null && this.run(name)) event.preventDefault();
  };
}
