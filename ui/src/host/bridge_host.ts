import type { AppEvent, CommandName, Commands, ProblemWords } from '../bindings/commands';
import { asProblem, type Drag, type Host } from './host';
import { keepAsFile } from './save';

/** What a bridge host needs of its page. */
export interface BridgePage {
  origin: string;
  token: string;
  fetch: typeof fetch;
  socket: (address: string) => WebSocket;
}

const KEY = 'labferry-token';
/** Milliseconds before a broken event stream is opened again, doubled each time up to the longest. */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 8000;

/** Takes the token out of the page's address, so that it is not copied along with it, and keeps it for a reload. */
export function takeToken(
  location: Pick<Location, 'hash' | 'search' | 'pathname'>,
  history: Pick<History, 'replaceState'>,
  kept: Pick<Storage, 'getItem' | 'setItem'>,
): string {
  const query = new URLSearchParams(location.search);
  const given = new URLSearchParams(location.hash.replace(/^#/, '')).get('token') ?? query.get('token');
  if (given === null) return kept.getItem(KEY) ?? '';
  kept.setItem(KEY, given);
  query.delete('token');
  const rest = query.toString();
  history.replaceState(null, '', location.pathname + (rest === '' ? '' : `?${rest}`));
  return given;
}

const problem = (code: string, message: string, next: string, detail: string | null = null): ProblemWords => ({
  code,
  severity: 'error',
  message,
  next,
  button: 'retry',
  detail,
});

const unreachable = (thrown: unknown): ProblemWords =>
  problem('unreachable', 'Labferry does not answer this page.', 'Check that the bridge is still running, then try again.', String(thrown));

/** The bridge on this computer: commands by POST, events by WebSocket, files of the browser handed over first. */
export class BridgeHost implements Host {
  readonly kind = 'bridge';
  readonly canChooseFolder = false;
  readonly canZoom = false;
  readonly onDesktop = false;

  constructor(private readonly page: BridgePage) {}

  async call<Name extends CommandName>(command: Name, request: Commands[Name]['request']): Promise<Commands[Name]['answer']> {
    const answer = await this.post('/command', JSON.stringify({ command, request }), 'application/json');
    return (await answer.json()) as Commands[Name]['answer'];
  }

  listen(heard: (event: AppEvent) => void, again: () => void): () => void {
    let stopped = false;
    let wait = FIRST_WAIT;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let socket: WebSocket | undefined;
    const address = `${this.page.origin.replace(/^http/, 'ws')}/events?token=${encodeURIComponent(this.page.token)}`;
    const connect = () => {
      socket = this.page.socket(address);
      socket.onopen = () => {
        wait = FIRST_WAIT;
        again();
      };
      socket.onmessage = ({ data }) => heard(JSON.parse(String(data)) as AppEvent);
      socket.onclose = () => {
        if (stopped) return;
        timer = setTimeout(connect, wait);
        wait = Math.min(wait * 2, LONGEST_WAIT);
      };
    };
    connect();
    return () => {
      stopped = true;
      clearTimeout(timer);
      socket?.close();
    };
  }

  drags(heard: (drag: Drag) => void): () => void {
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const over = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      // A browser tells how many there are, but no names, before they are let go.
      heard({ phase: 'over', x: event.clientX, y: event.clientY, count: event.dataTransfer?.items.length ?? null, names: [] });
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) heard({ phase: 'leave' });
    };
    const drop = (event: DragEvent) => {
      if (!holdsFiles(event) || event.dataTransfer === null) return;
      event.preventDefault();
      const folder = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).find((entry) => entry?.isDirectory);
      const files = [...event.dataTransfer.files];
      const sources = async () => {
        if (folder) throw problem('invalid_request', `A browser cannot hand over the folder ${folder.name}.`, 'Drop its files, or type its path in the upload dialog.');
        return this.handOver(files);
      };
      heard({ phase: 'drop', x: event.clientX, y: event.clientY, names: files.map(({ name }) => name), sources });
    };
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', drop);
    };
  }

  chooseFiles(): Promise<string[]> {
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    return new Promise((resolve, reject) => {
      input.onchange = () => this.handOver([...(input.files ?? [])]).then(resolve, reject);
      input.oncancel = () => resolve([]);
      input.click();
    });
  }

  chooseFolder(): Promise<string | null> {
    return Promise.resolve(null);
  }

  pasted(data: DataTransfer): Promise<string[]> | null {
    const files = [...data.files];
    return files.length === 0 ? null : this.handOver(files);
  }

  openPage(address: string): Promise<void> {
    window.open(address, '_blank', 'noopener,noreferrer');
    return Promise.resolve();
  }

  async save(name: string, make: (path: string | null) => Promise<string | null>): Promise<boolean> {
    const text = await make(null);
    if (text !== null) keepAsFile(name, text);
    return true;
  }

  zoom(): Promise<void> {
    return Promise.resolve();
  }

  autostart(): Promise<boolean> {
    return Promise.resolve(false);
  }

  menu(): Promise<void> {
    return Promise.resolve();
  }

  reveal(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** Gives files to the bridge, one after another, and returns where they lie now. */
  async handOver(files: readonly File[]): Promise<string[]> {
    const paths: string[] = [];
    for (const file of files) {
      const answer = await this.post(`/files?name=${encodeURIComponent(file.name)}`, file, 'application/octet-stream');
      paths.push(((await answer.json()) as { path: string }).path);
    }
    return paths;
  }

  private async post(path: string, body: BodyInit, type: string): Promise<Response> {
    let answer: Response;
    try {
      answer = await this.page.fetch(this.page.origin + path, {
        method: 'POST',
        headers: { Authorization: `Bearer ${this.page.token}`, 'Content-Type': type },
        body,
      });
    } catch (thrown) {
      throw unreachable(thrown);
    }
    if (answer.ok) return answer;
    if (answer.status === 422) throw asProblem(await answer.json());
    const said = await answer.text();
    if (answer.status === 401) {
      throw problem('not_allowed', 'This page may not talk to Labferry any more.', 'Open the address that labferry-bridge printed, with its token.', said);
    }
    throw problem('service_refused', `Labferry did not take this: ${said}.`, 'Change it and try again.', `HTTP ${answer.status}`);
  }
}
