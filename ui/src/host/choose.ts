import type { Host } from './host';

/** The host this page runs in: the desktop app, a made-up world (`?fake`), or the bridge that served the page. */
export async function chooseHost(page: Window): Promise<Host> {
  if ('__TAURI_INTERNALS__' in page) {
    const { TauriHost } = await import('./tauri_host');
    return new TauriHost();
  }
  const fake = new URLSearchParams(page.location.search).get('fake');
  if (fake !== null) {
    const { FakeHost } = await import('./fake_host');
    return new FakeHost(fake);
  }
  const { BridgeHost, takeToken } = await import('./bridge_host');
  return new BridgeHost({
    origin: page.location.origin,
    token: takeToken(page.location, page.history, page.sessionStorage),
    fetch: page.fetch.bind(page),
    socket: (address) => new WebSocket(address),
  });
}
