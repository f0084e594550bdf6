import { expect, it } from 'vitest';
import type { CommandName, ContainerRow, EntryRow, FileRow, ListPlace, PageAnswer } from '../bindings/commands';
import type { Host } from '../host/host';
import { Browser } from './browser.svelte';

const record = (path: string): ContainerRow => ({ path, title: path.toUpperCase(), kind: 'draft', writable: true, files: 1, bytes: 1, modified: null, web_page: null, complaints: [], metadata: {} });
const file = (name: string): FileRow => ({ path: name, name, size: 1, status: 'ready', digests: [], media_type: null, modified: null, proof: null, verified: false, metadata: {} });
const containers = (...paths: string[]): Partial<PageAnswer> => ({ entries: paths.map((path): EntryRow => ({ kind: 'container', container: record(path) })), total: paths.length, next: null });
const files = (next: string | null, ...names: string[]): Partial<PageAnswer> => ({ entries: names.map((name): EntryRow => ({ kind: 'file', file: file(name) })), total: null, next });

/** A host whose answers come when the test lets them. */
function held() {
  const asked: { command: CommandName; request: ListPlace; answer: (value: unknown) => void; fail: (problem: unknown) => void }[] = [];
  const call = (command: CommandName, request: unknown) => new Promise((answer, fail) => asked.push({ command, request: request as ListPlace, answer, fail }));
  return { browser: new Browser({ call } as unknown as Host), asked };
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

it('drops an answer that was overtaken by a later question', async () => {
  const { browser, asked } = held();
  void browser.openAccount('One');
  void browser.openAccount('Two');
  asked[1]?.answer(containers('two'));
  await settled();
  asked[0]?.answer(containers('one'));
  await settled();
  expect(browser.records.rows.map(({ path }) => path)).toEqual(['two']);
  expect(browser.titleOf('Two', 'two')).toBe('TWO');
  expect(browser.titleOf('One', 'one')).toBe('one');
});

it('shows the files of the record that was opened last, whatever arrives when', async () => {
  const { browser, asked } = held();
  void browser.openAccount('Lab');
  asked[0]?.answer(containers('a', 'b'));
  await settled();
  void browser.open(record('a'));
  void browser.open(record('b'));
  asked[2]?.answer(files(null, 'of b'));
  await settled();
  asked[1]?.answer(files(null, 'of a'));
  await settled();
  expect(browser.files.rows.map(({ name }) => name)).toEqual(['of b']);
});

it('keeps what is on screen while it asks again, and when that fails', async () => {
  const { browser, asked } = held();
  void browser.openAccount('Lab');
  asked[0]?.answer(containers('a'));
  await settled();
  void browser.open(record('a'));
  asked[1]?.answer(files('2', 'one'));
  await settled();
  // There is room for more than this page held.
  expect(asked[2]?.request.page).toBe('2');
  asked[2]?.answer(files(null, 'two'));
  await settled();
  expect(browser.files.rows).toHaveLength(2);
  asked[3]?.answer({ kind: 'container', container: { ...record('a'), files: 2 } });
  await settled();
  expect(browser.records.rows[0]?.files, 'the side bar counts them, too').toBe(2);

  void browser.refresh();
  expect(browser.files.rows).toHaveLength(2);
  asked[4]?.fail({ code: 'unreachable', severity: 'attention', message: 'Gone.', next: 'Wait.', button: null, detail: null });
  await settled();
  expect(browser.files.rows).toHaveLength(2);
  expect(browser.files.problem?.message).toBe('Gone.');
});

it('goes down into containers, up along the trail, and back and forward through what was seen', async () => {
  const asked: string[] = [];
  const world: Record<string, Partial<PageAnswer>> = { '': containers('atlas'), atlas: containers('atlas/raw'), 'atlas/raw': files(null, 'one') };
  const call = async (command: CommandName, { path }: ListPlace) => {
    asked.push(`${command} ${path}`);
    return command === 'browse.list' ? world[path] : { kind: 'container', container: record(path) };
  };
  const browser = new Browser({ call } as unknown as Host);
  await browser.openAccount('Lab');
  expect(browser.canGoBack).toBe(false);
  await browser.open(record('atlas'));
  expect(browser.inside.map(({ path }) => path)).toEqual(['atlas/raw']);
  await browser.enter(record('atlas/raw'));
  expect(browser.trail.map(({ path }) => path)).toEqual(['atlas', 'atlas/raw']);
  expect(browser.inside).toEqual([]);
  expect(browser.files.rows.map(({ name }) => name)).toEqual(['one']);
  await browser.up(0);
  expect(browser.record?.path).toBe('atlas');
  await browser.step(-1);
  expect(browser.record?.path).toBe('atlas/raw');
  expect(browser.canGoForward).toBe(true);
  await browser.step(1);
  expect(browser.record?.path).toBe('atlas');
  await browser.step(-1);
  await browser.open(record('atlas'));
  expect(browser.canGoForward, 'a new way forgets the old one').toBe(false);
});
