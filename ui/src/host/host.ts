import type { Menu } from '../orders/menu_bar';
import type { OrderName } from '../orders/table';
import type { AppEvent, CommandName, Commands, ProblemWords } from '../bindings/commands';

/** Something dragged from another program. Places are in the page's coordinates. */
export type Drag =
  | { phase: 'over'; x: number; y: number; count: number | null; names: string[] }
  | { phase: 'leave' }
  | { phase: 'drop'; x: number; y: number; names: string[]; sources: () => Promise<string[]> };

/** The program behind the page. Everything rejects with `ProblemWords` and with nothing else. */
export interface Host {
  readonly kind: 'desktop' | 'bridge' | 'fake';
  /** Whether a folder of this computer can be chosen in a dialog; otherwise its path is typed. */
  readonly canChooseFolder: boolean;
  /** Whether this host changes the size of everything by itself; a browser does it for its user. */
  readonly canZoom: boolean;
  /** Whether the program runs on somebody's desktop, with a tray and a sign-in. */
  readonly onDesktop: boolean;
  call<Name extends CommandName>(command: Name, request: Commands[Name]['request']): Promise<Commands[Name]['answer']>;
  /** Hears events until the function it gives is called. `again` is called after a break in which some were missed. */
  listen(heard: (event: AppEvent) => void, again: () => void): () => void;
  /** Hears what is dragged over the page, until the function it gives is called. */
  drags(heard: (drag: Drag) => void): () => void;
  /** Paths of files a person chose; empty when the dialog was closed. */
  chooseFiles(): Promise<string[]>;
  /** The path of a folder a person chose; none when the dialog was closed. */
  chooseFolder(): Promise<string | null>;
  /** The files somebody pasted, as paths; none when nothing of it is a file. */
  pasted(data: DataTransfer): Promise<string[]> | null;
  /** Opens a service's page in the browser. */
  openPage(address: string): Promise<void>;
  /** Keeps a text where a person wants it. `make` writes it to the path that was chosen, or gives it where only the browser knows that. False when nothing was chosen. */
  save(name: string, make: (path: string | null) => Promise<string | null>): Promise<boolean>;
  /** Shows everything in that size, 1 for the usual one. */
  zoom(factor: number): Promise<void>;
  /** Whether the program starts when its user signs in; with a wish, after it was changed. */
  autostart(wish?: boolean): Promise<boolean>;
  /** Puts up the menu bar where the desktop has one; `run` hears what was chosen from it. */
  menu(bar: readonly Menu[], run: (name: OrderName) => void): Promise<void>;
  /** Shows a file in its folder; false where that cannot be done. */
  reveal(path: string): Promise<boolean>;
}

function isProblem(value: unknown): value is ProblemWords {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value && 'next' in value;
}

/** What was thrown, in words: a problem as it is, anything else as a fault of ours with the thrower's own words. */
export function asProblem(thrown: unknown): ProblemWords {
  if (isProblem(thrown)) return thrown;
  const detail = thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : JSON.stringify(thrown);
  return {
    code: 'internal',
    severity: 'error',
    message: 'Labferry made a mistake with this.',
    next: 'Try again; if it happens again, report it with the details.',
    button: 'retry',
    detail: detail ?? null,
  };
}
