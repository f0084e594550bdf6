import type { Host } from './host';

/** The host this page runs in: a made-up world where the address asks for one (`?fake`), the desktop app, or the bridge that served the page. */
export async function chooseHost(page: Window): Promise<Host> {
  const fake = new URLSearchParams(page.location.search).get('fake');
  if (fake !== null) {
    const { FakeHost } = await import('./fake_host');
    return new FakeHost(fake);
  }
  if ('__TAURI_INTERNALS__' in page) {
    const { TauriHost } = await import('./tauri_host');
    return new TauriHost();
  }
  const { BridgeHost, takeToken } = await import('./bridge_host');
  return new BridgeHost({
    origin: page.location.origin,
    token: takeToken(page.location, page.history, page.sessionStorage),
    fetch: page.fetch.bind(page),
    socket: (address) => new WebSocket(address),
  });
}
