import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { AppEvent } from '../bindings/commands';
import { BridgeHost, takeToken, type BridgePage } from './bridge_host';

class Socket {
  static made: Socket[] = [];
  onopen = () => {};
  onclose = () => {};
  onmessage = (_: { data: string }) => {};
  closed = false;
  constructor(readonly address: string) {
    Socket.made.push(this);
  }
  close() {
    this.closed = true;
    this.onclose();
  }
}

function host(answer: () => Response | Promise<Response>) {
  const asked: { address: string; init: RequestInit }[] = [];
  const page: BridgePage = {
    origin: 'http://127.0.0.1:9',
    token: 'secret',
    fetch: async (address, init) => {
      asked.push({ address: String(address), init: init ?? {} });
      return answer();
    },
    socket: (address) => new Socket(address) as unknown as WebSocket,
  };
  return { bridge: new BridgeHost(page), asked };
}

beforeEach(() => {
  Socket.made = [];
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

it('sends a command with the token and gives its answer', async () => {
  const { bridge, asked } = host(() => Response.json([{ name: 'Lab' }]));
  expect(await bridge.call('accounts.list', {})).toEqual([{ name: 'Lab' }]);
  expect(asked[0]?.address).toBe('http://127.0.0.1:9/command');
  expect(asked[0]?.init.headers).toMatchObject({ Authorization: 'Bearer secret' });
  expect(JSON.parse(String(asked[0]?.init.body))).toEqual({ command: 'accounts.list', request: {} });
});

it('rejects with the problem of a 422', async () => {
  const words = { code: 'not_found', severity: 'error', message: 'Gone.', next: 'Look again.', button: null, detail: null };
  const { bridge } = host(() => Response.json(words, { status: 422 }));
  await expect(bridge.call('app.state', {})).rejects.toEqual(words);
});

it('says in words that nobody answers, and that the token is refused', async () => {
  const silent = host(() => Promise.reject(new TypeError('fetch failed')));
  await expect(silent.bridge.call('app.state', {})).rejects.toMatchObject({ code: 'unreachable', button: 'retry' });
  const refused = host(() => new Response('the token is missing or wrong', { status: 401 }));
  await expect(refused.bridge.call('app.state', {})).rejects.toMatchObject({ code: 'not_allowed' });
});

it('hands over a browser file under its own name, whatever letters it has', async () => {
  const { bridge, asked } = host(() => Response.json({ path: '/tmp/x/wärme & map?.tif' }));
  expect(await bridge.handOver([new File(['abc'], 'wärme & map?.tif')])).toEqual(['/tmp/x/wärme & map?.tif']);
  expect(new URL(asked[0]?.address ?? '').searchParams.get('name')).toBe('wärme & map?.tif');
});

it('opens a broken event stream again, waits longer each time, and says that something was missed', () => {
  const { bridge } = host(() => Response.json({}));
  const heard: AppEvent[] = [];
  let again = 0;
  const stop = bridge.listen((event) => heard.push(event), () => (again += 1));
  expect(Socket.made[0]?.address).toBe('ws://127.0.0.1:9/events?token=secret');
  Socket.made[0]?.onopen();
  Socket.made[0]?.onmessage({ data: '{"type":"accounts_changed"}' });
  expect(heard).toEqual([{ type: 'accounts_changed' }]);

  Socket.made[0]?.onclose();
  vi.advanceTimersByTime(249);
  expect(Socket.made).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(Socket.made).toHaveLength(2);
  Socket.made[1]?.onclose();
  vi.advanceTimersByTime(499);
  expect(Socket.made).toHaveLength(2);
  vi.advanceTimersByTime(1);
  Socket.made[2]?.onopen();
  expect(again).toBe(2);

  stop();
  vi.advanceTimersByTime(60_000);
  expect(Socket.made).toHaveLength(3);
  expect(Socket.made[2]?.closed).toBe(true);
});

it('takes the token out of the address and keeps it for a reload', () => {
  const kept = new Map<string, string>();
  const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
  const shown: string[] = [];
  const history = { replaceState: (_: unknown, __: string, address?: string | URL | null) => void shown.push(String(address)) };
  expect(takeToken({ hash: '#token=abc', search: '', pathname: '/' }, history, storage)).toBe('abc');
  expect(takeToken({ hash: '', search: '?a=1&token=def', pathname: '/' }, history, storage)).toBe('def');
  expect(shown).toEqual(['/', '/?a=1']);
  expect(takeToken({ hash: '', search: '', pathname: '/' }, history, storage)).toBe('def');
});
