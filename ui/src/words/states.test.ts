import { expect, it } from 'vitest';
import type { FileRow, TransferRow } from '../bindings/commands';
import { fileWords, transferWords } from './states';

const transfer = (part: Partial<TransferRow>): TransferRow => ({
  id: 1, batch: 1, direction: 'upload', account: 'Lab', place: 'r', name: 'f', local: '/f', size: 1, sent: 0, state: 'waiting', waiting: null,
  retry_at: null, proof: null, verified: false, digests: { sha256: null, md5: null }, problem: null, attempts: 0, part_count: null,
  part_size: null, created: 0, changed: 0, ...part,
});
const file = (part: Partial<FileRow>): FileRow => ({
  path: 'r/f', name: 'f', size: 1, status: 'ready', digests: [], media_type: null, modified: null, proof: null, verified: false, metadata: {}, ...part,
});
const states = ['waiting', 'checking', 'planned', 'moving', 'finishing', 'verifying', 'done', 'skipped', 'failed', 'paused', 'cancelled'];

it('is green for nothing but a proof of the bytes', () => {
  for (const state of states) {
    const words = transferWords(transfer({ state, proof: 'size_only' }), 0);
    expect(words.tone, state).not.toBe('good');
    expect(words.word, state).not.toMatch(/verified/i);
  }
  expect(transferWords(transfer({ state: 'done', verified: true }), 0)).toMatchObject({ word: 'Verified', tone: 'good' });
  expect(fileWords(file({ proof: 'size_only' })).tone).not.toBe('good');
  expect(fileWords(file({})).tone).not.toBe('good');
  expect(fileWords(file({ status: 'pending', verified: true })).tone).not.toBe('good');
  expect(fileWords(file({ proof: 'server_digest', verified: true })).tone).toBe('good');
});

it('tells when it tries again', () => {
  const row = transfer({ waiting: 'retry_at', retry_at: 41_000 });
  expect(transferWords(row, 1000).word).toBe('Again in 40 s');
  expect(transferWords(row, 50_000).word).toBe('Trying again');
});

it('tells sending from receiving', () => {
  expect(transferWords(transfer({ state: 'moving' }), 0).word).toBe('Sending');
  expect(transferWords(transfer({ state: 'moving', direction: 'download' }), 0).word).toBe('Receiving');
});
