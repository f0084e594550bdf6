import { describe, expect, it } from 'vitest';
import type { ClashRow, UploadPlan } from '../bindings/commands';
import { choicesOf, needsAnswer, numbered, sending, usual, type Wish } from './preflight';

const clash = (name: string, part: Partial<ClashRow> = {}): ClashRow => ({ name, local: `/data/${name}`, size: 1, modified: null, kind: 'there', there: null, same: null, ...part });
const plan = (part: Partial<UploadPlan> = {}): UploadPlan => ({
  files: 3, bytes: 3, continued: 0, looked: true, clashes: [], clash_count: 0, refused: [], refused_count: 0, folders: [], policies: ['skip', 'rename', 'replace'], takes_metadata: false, ...part,
});
const wish: Wish = { sources: ['/data'], account: 'Lab', place: 'r', title: 'R', clash: 'ask', metadata: {} };

describe('a question before files are sent', () => {
  it.each<[string, Partial<UploadPlan>, Partial<Wish>, boolean]>([
    ['nothing to decide', {}, {}, false],
    ['a taken name', { clashes: [clash('a')], clash_count: 1 }, {}, true],
    ['a taken name, decided already', { clashes: [clash('a')], clash_count: 1 }, { clash: 'replace' }, false],
    ['two of one name, which no policy but one settles', { clashes: [clash('a', { kind: 'twice' })], clash_count: 1 }, { clash: 'replace' }, true],
    ['two of one name, both kept', { clashes: [clash('a', { kind: 'twice' })], clash_count: 1 }, { clash: 'rename' }, false],
    ['the same bytes', { clashes: [clash('a', { same: true })], clash_count: 1 }, {}, false],
    ['more clashes than are listed', { clashes: [clash('a', { same: true })], clash_count: 2 }, {}, true],
    ['something that cannot go along', { refused_count: 1 }, {}, true],
    ['nothing that can go', { files: 0, refused_count: 2 }, {}, false],
    ['folders', { folders: [{ how: 'join', example: 'a__b', refused: 0, twice: 0 }] }, {}, true],
    ['folders, decided already', { folders: [{ how: 'join', example: 'a__b', refused: 0, twice: 0 }] }, { folders: 'join' }, false],
    ['fifty thousand files', { files: 50_000 }, {}, true],
  ])('%s', (_, of, asked, expected) => expect(needsAnswer(plan(of), { ...wish, ...asked })).toBe(expected));
});

it('offers what the service can do about each kind of clash', () => {
  const policies = ['skip', 'rename', 'version', 'replace'];
  expect(choicesOf(clash('a'), policies)).toEqual(['rename', 'version', 'replace', 'skip']);
  expect(choicesOf(clash('a'), ['skip', 'rename'])).toEqual(['rename', 'skip']);
  expect(choicesOf(clash('a', { kind: 'unfinished' }), policies)).toEqual(['replace', 'skip']);
  expect(choicesOf(clash('a', { kind: 'twice' }), policies)).toEqual(['rename', 'skip']);
  expect(choicesOf(clash('a', { same: true }), policies)).toEqual([]);
  expect(usual(clash('a', { kind: 'twice' }), policies, 'version')).toBe('rename');
  expect(usual(clash('a'), policies, 'version')).toBe('version');
});

it('counts what will be sent', () => {
  const clashes = [clash('a', { same: true }), clash('b'), clash('c')];
  expect(sending(plan({ files: 10, clashes, clash_count: 3 }), { '/data/b': 'skip', '/data/c': 'rename' }, 'rename')).toBe(8);
  expect(sending(plan({ files: 10, clashes, clash_count: 5 }), {}, 'skip')).toBe(7);
});

it('numbers names as the app does', () => {
  expect(['scan.tif', 'run.1/scan', '.profile', 'a/.x.y'].map(numbered)).toEqual(['scan (2).tif', 'run.1/scan (2)', '.profile (2)', 'a/.x (2).y']);
});
