import { describe, expect, it } from 'vitest';
import type { FileRow, TransferRow } from '../bindings/commands';
import { arranged, isVerified, lines, type FileLine } from './listing';

const file = (name: string, verified = false): FileRow => ({
  path: `r1/${name}`, name, size: 5, status: 'ready', digests: [], media_type: null, modified: null,
  proof: verified ? 'server_digest' : null, verified, metadata: {},
});
const upload = (id: number, name: string, state: string, changed = 0, verified = false): TransferRow => ({
  id, batch: 1, direction: 'upload', account: 'Lab', place: 'r1', name, local: `/x/${name}`, size: 9, sent: 0, state, waiting: null,
  retry_at: null, proof: null, verified, digests: { sha256: null, md5: null }, problem: null, attempts: 0, part_count: null,
  part_size: null, created: 0, changed,
});

it('shows uploads of new names first and keeps the order of the service', () => {
  const shown = lines([file('b'), file('a')], [upload(1, 'x', 'moving'), upload(2, 'y', 'waiting')], 0, '');
  expect(shown.map(({ name }) => name)).toEqual(['y', 'x', 'b', 'a']);
});

it('joins a file and the upload that replaces it; the newest upload counts', () => {
  const [line] = lines([file('a', true)], [upload(1, 'a', 'done', 50, true), upload(4, 'a', 'moving')], 0, '');
  expect(line?.transfer?.id).toBe(4);
  expect(line && isVerified(line)).toBe(false);
});

it('lets the listing speak once it is newer than the finished upload', () => {
  const done = upload(1, 'a', 'done', 50, true);
  expect(lines([], [done], 40, '').map(isVerified)).toEqual([true]);
  expect(lines([], [done], 60, '')).toEqual([]);
  expect(lines([file('a')], [done], 60, '').map(isVerified)).toEqual([false]);
});

it('keeps a failed upload in sight and drops a cancelled one', () => {
  const shown = lines([], [upload(1, 'a', 'failed', 1), upload(2, 'b', 'cancelled', 1)], 99, '');
  expect(shown.map(({ name }) => name)).toEqual(['a']);
});

it('is green by the proof only, never by being there', () => {
  expect(lines([file('a'), file('b', true)], [], 0, '').map(isVerified)).toEqual([false, true]);
  expect(lines([], [upload(1, 'c', 'done', 5, false)], 0, '').map(isVerified)).toEqual([false]);
});

it('filters by any part of the name, whatever the case', () => {
  expect(lines([file('Scan_07.czi'), file('notes.pdf')], [], 0, ' scan ').map(({ name }) => name)).toEqual(['Scan_07.czi']);
});

describe('the order of lines', () => {
  const line = (name: string, size: number | null, verified = false): FileLine => ({
    name,
    size,
    transfer: null,
    file: { ...file(name), size, verified, status: 'ready', modified: size },
  });
  const all = [line('scan_10', 5), line('scan_9', null, true), line('scan_2', 70)];
  const { compare } = new Intl.Collator('en', { numeric: true });
  const names = (...asked: [Parameters<typeof arranged>[1], Parameters<typeof arranged>[2], boolean]) => arranged(all, ...asked, compare).map(({ name }) => name);

  it('is the service’s until somebody asks for another', () => {
    expect(names('all', 'service', false)).toEqual(['scan_10', 'scan_9', 'scan_2']);
    expect(names('all', 'name', false)).toEqual(['scan_2', 'scan_9', 'scan_10']);
    expect(names('all', 'state', true)).toEqual(['scan_9', 'scan_2', 'scan_10']);
  });

  it('keeps what is not known at the end', () => {
    expect(names('all', 'size', false)).toEqual(['scan_10', 'scan_2', 'scan_9']);
    expect(names('all', 'changed', true)).toEqual(['scan_2', 'scan_10', 'scan_9']);
  });

  it('is of those that are wanted', () => {
    expect(names('verified', 'name', false)).toEqual(['scan_9']);
    expect(names('unproven', 'name', false)).toEqual(['scan_2', 'scan_10']);
    expect(names('unfinished', 'name', false)).toEqual([]);
  });
});
