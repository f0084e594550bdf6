import type { AddCopy, CopyFileRow, CopyRow, FileRow } from '../bindings/commands';
import { problem } from './fake_world';

const GIB = 1024 ** 3;

function row(id: number, state: string, more: Partial<CopyRow>): CopyRow {
  return {
    id, account: 'Lab repository', source: 'k3x9a-p2v41', to_account: 'Lab repository', to_place: 'm7q2c-00d18', on_clash: 'ask', state, problem: null,
    files: 12, verified: 7, unproven: 0, skipped: 0, failed: 0, bytes: 20 * GIB, bytes_done: 12 * GIB, transfers: [], created: 0, changed: 0, ...more,
  };
}

/** Copies in every state, the newest first. */
export const fakeCopies = (): CopyRow[] => [
  row(4, 'working', {}),
  row(3, 'needs_you', {
    failed: 2,
    problem: problem('name_taken', 'attention', 'There is another file named "scan_117.czi" already.', 'Choose what shall happen: skip it, rename it, or replace what is there.', 'choose_other'),
  }),
  row(2, 'stopped', { verified: 3 }),
  row(1, 'done', { verified: 11, skipped: 1, bytes_done: 20 * GIB }),
];

/** The files of a copy that need somebody. */
export function copyFiles(copy: CopyRow | undefined): CopyFileRow[] {
  return Array.from({ length: copy?.failed ?? 0 }, (_, at) => ({
    number: at + 1, path: `k3x9a-p2v41/scan_${117 + at}.czi`, name: `scan_${117 + at}.czi`, size: GIB, state: 'failed', fetched_proven: true, verified: false, download: null, upload: null, problem: copy?.problem ?? null,
  }));
}

/** A copy that has just begun. */
export function newCopy(id: number, { account, paths, to_account, to_place, on_clash }: AddCopy, files: readonly FileRow[]): CopyRow {
  const bytes = files.reduce((sum, { size }) => sum + (size ?? 0), 0);
  return row(id, 'working', { account, source: paths[0] ?? '', to_account, to_place, on_clash, files: files.length, verified: 0, bytes, bytes_done: 0 });
}
