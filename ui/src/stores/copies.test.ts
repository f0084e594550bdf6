import { expect, it } from 'vitest';
import type { AppEvent, CommandName, CopyRow } from '../bindings/commands';
import { fakeCopies } from '../host/fake_copies';
import type { Host } from '../host/host';
import { copyWords } from '../words/states';
import { Copies } from './copies.svelte';

function fixture(rows: CopyRow[]) {
  const asked: [CommandName, unknown][] = [];
  let tell: (event: AppEvent) => void = () => {};
  const host = {
    call: async (command: CommandName, request: unknown) => {
      asked.push([command, request]);
      if (command === 'copies.stop') throw { code: 'invalid_request', severity: 'error', message: 'Copy 1 is done.', next: '', button: null, detail: null };
      return command === 'copies.list' ? rows : { changed: 1 };
    },
    listen: (heard: (event: AppEvent) => void, again: () => void) => {
      tell = heard;
      again();
      return () => {};
    },
  } as unknown as Host;
  const copies = new Copies(host);
  copies.start();
  return { copies, asked, tell: (event: AppEvent) => tell(event), times: (name: CommandName) => asked.filter(([command]) => command === name).length };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));
const [working] = fakeCopies() as [CopyRow];

it('keeps copies fresh and says once that one is over', async () => {
  const { copies, tell, times } = fixture(fakeCopies());
  const said: string[] = [];
  copies.onTurned = ({ id, state }) => said.push(`${id} ${state}`);
  await settled();
  tell({ type: 'copy', row: { ...working, verified: 11 } });
  tell({ type: 'copy', row: { ...working, verified: 12, state: 'done' } });
  tell({ type: 'copy', row: { ...working, verified: 12, state: 'done' } });
  expect([copies.list[0]?.verified, copies.list.length, said]).toEqual([12, 4, ['4 done']]);
  expect(times('copies.list')).toBe(1);
  tell({ type: 'copies_changed' });
  await settled();
  expect(times('copies.list')).toBe(2);
});

it('tells what an order came to', async () => {
  const { copies, asked } = fixture(fakeCopies());
  await copies.stop(1);
  expect(copies.problem?.message).toBe('Copy 1 is done.');
  await copies.retry(3, 'replace');
  expect(copies.problem).toBe(null);
  expect(asked).toContainEqual(['copies.retry', { ids: [3], on_clash: 'replace' }]);
});

it('forgets what is done and nothing else', async () => {
  const { copies, asked } = fixture(fakeCopies());
  await settled();
  await copies.forgetDone();
  expect(asked).toContainEqual(['copies.forget', { ids: [1] }]);
});

it('is green only when every file is proven', () => {
  const row = (verified: number, state = 'done') => copyWords({ ...working, files: 12, verified, state }).tone;
  expect([row(12), row(11), row(12, 'working'), row(12, 'needs_you'), row(12, 'stopped')]).toEqual(['good', 'busy', 'busy', 'warn', 'quiet']);
});
