import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import { Menu as SystemMenu, MenuItem, PredefinedMenuItem, Submenu } from '@tauri-apps/api/menu';
import { getCurrentWebview } from '@tauri-apps/api/webview';
import { open, save } from '@tauri-apps/plugin-dialog';
import { openUrl, revealItemInDir } from '@tauri-apps/plugin-opener';
import type { AppEvent, CommandName, Commands, ProblemWords } from '../bindings/commands';
import type { Menu } from '../orders/menu_bar';
import type { OrderName } from '../orders/table';
import { onMac } from '../words/tools';
import { asProblem, type Drag, type Host } from './host';

const fileName = (path: string): string => path.split(/[\\/]/).pop() ?? path;

/** Most bytes that go through the clipboard: a large picture. */
const MOST_PASTED = 64 * 1024 * 1024;

/** The paths of a list of `file:` addresses. */
export function pathsOf(list: string): string[] {
  return list.split(/\r?\n/).flatMap((line) => {
    if (!line.startsWith('file://')) return [];
    try {
      const path = decodeURIComponent(new URL(line).pathname);
      return [/^\/[A-Za-z]:\//.test(path) ? path.slice(1) : path];
    } catch {
      return [];
    }
  });
}

function base64(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
    reader.onerror = () => reject(reader.error ?? new Error('the clipboard could not be read'));
    reader.readAsDataURL(file);
  });
}

/** Calls a clean-up as soon as it is known, also when it is asked for before that. */
function later(subscribed: Promise<() => void>): () => void {
  return () => void subscribed.then((stop) => stop());
}

/** The desktop app: one command, one channel of events, the system's own dialogs and drags. */
export class TauriHost implements Host {
  readonly kind = 'desktop';
  readonly canChooseFolder = true;
  readonly canZoom = true;
  readonly onDesktop = true;

  async call<Name extends CommandName>(command: Name, request: Commands[Name]['request']): Promise<Commands[Name]['answer']> {
    try {
      return await invoke('call', { command, request });
    } catch (thrown) {
      throw asProblem(thrown);
    }
  }

  listen(heard: (event: AppEvent) => void, again: () => void): () => void {
    const subscribed = listen<AppEvent>('labferry://event', ({ payload }) => heard(payload));
    // What happened before the channel stood was not heard.
    void subscribed.then(again);
    return later(subscribed);
  }

  drags(heard: (drag: Drag) => void): () => void {
    // The paths are told once, when the drag enters the window.
    let names: string[] = [];
    return later(
      getCurrentWebview().onDragDropEvent(({ payload }) => {
        if (payload.type === 'leave') {
          heard({ phase: 'leave' });
          return;
        }
        const { x, y } = payload.position.toLogical(window.devicePixelRatio);
        if (payload.type !== 'over') names = payload.paths.map(fileName);
        if (payload.type === 'drop') {
          const { paths } = payload;
          heard({ phase: 'drop', x, y, names, sources: async () => paths });
        } else {
          heard({ phase: 'over', x, y, count: names.length, names });
        }
      }),
    );
  }

  async chooseFiles(): Promise<string[]> {
    const chosen = await open({ multiple: true, directory: false });
    return chosen ?? [];
  }

  async chooseFolder(): Promise<string | null> {
    return open({ multiple: false, directory: true });
  }

  pasted(data: DataTransfer): Promise<string[]> | null {
    // Files copied in a file manager come as their addresses, a picture from another program as bytes. Both are read
    // now: after the event the clipboard is closed.
    const paths = pathsOf(data.getData('text/uri-list'));
    if (paths.length > 0) return Promise.resolve(paths);
    const files = [...data.files];
    return files.length === 0 ? null : Promise.all(files.map((file) => this.keep(file)));
  }

  /** Gives bytes that lie in no file of this computer to the app, which keeps them until they are sent. */
  private async keep(file: File): Promise<string> {
    if (file.size > MOST_PASTED) {
      throw { code: 'invalid_request', severity: 'error', message: `${file.name} is too large to be pasted.`, next: 'Save it in a file and upload that.', button: null, detail: null } satisfies ProblemWords;
    }
    const { path } = await this.call('uploads.keep', { name: file.name, base64: await base64(file) });
    return path;
  }

  async openPage(address: string): Promise<void> {
    await openUrl(address);
  }

  async save(name: string, make: (path: string | null) => Promise<string | null>): Promise<boolean> {
    const path = await save({ defaultPath: name });
    if (path === null) return false;
    await make(path);
    return true;
  }

  async zoom(factor: number): Promise<void> {
    try {
      await getCurrentWebview().setZoom(factor);
    } catch {
      // Then everything keeps the size it has.
    }
  }

  async menu(bar: readonly Menu[], run: (name: OrderName) => void): Promise<void> {
    try {
      const submenus = bar.map(async ({ text, lines }, at) => {
        const items = lines.map((line) => {
          if (line === null) return PredefinedMenuItem.new({ item: 'Separator' });
          // The program itself hears `quit`, which is the tray's, too.
          const { name, accelerator } = line;
          return MenuItem.new({ id: name, text: line.text, ...(accelerator === null ? {} : { accelerator }), ...(name === 'quit' ? {} : { action: () => run(name) }) });
        });
        // A Mac hands ⌘C and its like to a page only through its menu; elsewhere a menu would take them from it.
        const own = onMac && at === 1 ? (['Undo', 'Redo', 'Cut', 'Copy', 'Paste', 'SelectAll'] as const).map((item) => PredefinedMenuItem.new({ item })) : [];
        return Submenu.new({ text, items: await Promise.all([...own, ...items]) });
      });
      const menu = await SystemMenu.new({ items: await Promise.all(submenus) });
      await (onMac ? menu.setAsAppMenu() : menu.setAsWindowMenu());
    } catch {
      // A desktop without a menu bar has the keys and the buttons.
    }
  }

  async autostart(wish?: boolean): Promise<boolean> {
    try {
      if (wish !== undefined) await invoke(`plugin:autostart|${wish ? 'enable' : 'disable'}`);
      return await invoke<boolean>('plugin:autostart|is_enabled');
    } catch (thrown) {
      throw asProblem(thrown);
    }
  }

  async reveal(path: string): Promise<boolean> {
    try {
      await revealItemInDir(path);
      return true;
    } catch {
      return false;
    }
  }
}
