import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import { getCurrentWebview } from '@tauri-apps/api/webview';
import { open } from '@tauri-apps/plugin-dialog';
import { openUrl, revealItemInDir } from '@tauri-apps/plugin-opener';
import type { AppEvent, CommandName, Commands } from '../bindings/commands';
import { asProblem, type Drag, type Host } from './host';

const fileName = (path: string): string => path.split(/[\\/]/).pop() ?? path;

/** Calls a clean-up as soon as it is known, also when it is asked for before that. */
function later(subscribed: Promise<() => void>): () => void {
  return () => void subscribed.then((stop) => stop());
}

/** The desktop app: one command, one channel of events, the system's own dialogs and drags. */
export class TauriHost implements Host {
  readonly kind = 'desktop';
  readonly canChooseFolder = true;

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

  async openPage(address: string): Promise<void> {
    await openUrl(address);
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
