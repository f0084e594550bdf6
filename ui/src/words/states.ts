import type { FileRow, ReceiptRow, TransferRow } from '../bindings/commands';
import { timeLeft } from './formats';

/** How a state is shown: always a shape and a word; the colour comes from the tone. Only what is proven is `good`. */
export interface StateWords {
  word: string;
  shape: 'clock' | 'hash' | 'up' | 'down' | 'dots' | 'sent' | 'verified' | 'pause' | 'again' | 'attention' | 'failed' | 'dash' | 'file' | 'offline';
  tone: 'quiet' | 'busy' | 'good' | 'warn' | 'bad';
}

const state = (word: string, shape: StateWords['shape'], tone: StateWords['tone']): StateWords => ({ word, shape, tone });

function waitingWords(row: TransferRow, now: number): StateWords {
  switch (row.waiting) {
    case 'interrupted':
      return state('Interrupted, goes on', 'clock', 'quiet');
    case 'retry_at':
      return state(row.retry_at === null || row.retry_at <= now ? 'Trying again' : `Again in ${timeLeft((row.retry_at - now) / 1000)}`, 'again', 'warn');
    case 'offline':
      return state('Waiting for the network', 'offline', 'warn');
    case 'sign_in':
      return state('Needs your sign-in', 'attention', 'warn');
    case 'source_changed':
      return state('File is still changing', 'clock', 'quiet');
    case 'disk_low':
      return state('Disk is full', 'attention', 'warn');
    default:
      return state('Waiting', 'clock', 'quiet');
  }
}

/** The state of a transfer. */
export function transferWords(row: TransferRow, now: number): StateWords {
  switch (row.state) {
    case 'waiting':
      return waitingWords(row, now);
    case 'checking':
      return state('Checking', 'hash', 'busy');
    case 'planned':
      return state('Starting', 'dots', 'busy');
    case 'moving':
      return row.direction === 'download' ? state('Receiving', 'down', 'busy') : state('Sending', 'up', 'busy');
    case 'finishing':
      return state('Finishing', 'dots', 'busy');
    case 'verifying':
      return state('Verifying', 'hash', 'busy');
    case 'done':
      if (row.verified) return state('Verified', 'verified', 'good');
      return state(row.direction === 'download' ? 'Received, not proven' : 'Sent, not proven', 'sent', 'busy');
    case 'skipped':
      return state('Skipped', 'dash', 'quiet');
    case 'failed':
      return row.problem?.severity === 'attention' ? state('Needs you', 'attention', 'warn') : state('Failed', 'failed', 'bad');
    case 'paused':
      return state('Paused', 'pause', 'quiet');
    case 'cancelled':
      return state('Cancelled', 'dash', 'quiet');
    default:
      return state(row.state, 'dash', 'quiet');
  }
}

/** The state of a file on a service. */
export function fileWords(file: FileRow): StateWords {
  if (file.status === 'pending') return state('Unfinished', 'dots', 'warn');
  if (file.status === 'failed') return state('Failed there', 'failed', 'bad');
  if (file.status === 'processing') return state('Being processed', 'dots', 'busy');
  if (file.verified) return state('Verified', 'verified', 'good');
  return file.proof === null ? state('On the service', 'file', 'quiet') : state('Sent, not proven', 'sent', 'busy');
}

/** How sure a receipt is. */
export function receiptWords(receipt: ReceiptRow): StateWords {
  return receipt.verified ? state('Verified', 'verified', 'good') : state('Not proven', 'sent', 'busy');
}

/** What a kind of proof means, short and in a sentence. */
export const proofs: Record<string, { short: string; sentence: string }> = {
  server_digest: { short: 'Service digest', sentence: 'The service computed a digest of its copy, and it equals ours.' },
  part_digests: { short: 'Part digests', sentence: 'The service’s digest over all parts equals the one computed here.' },
  read_back: { short: 'Read back', sentence: 'The service’s copy was fetched again, and its digest equals ours.' },
  size_only: { short: 'Size only', sentence: 'Only the size could be compared: the copy is not proven.' },
};

/** The way of a transfer, in order, with the states in which each step is being taken. */
export const phases: readonly { name: string; states: readonly string[] }[] = [
  { name: 'Queue', states: ['waiting'] },
  { name: 'Check', states: ['checking'] },
  { name: 'Plan', states: ['planned'] },
  { name: 'Move', states: ['moving'] },
  { name: 'Finish', states: ['finishing'] },
  { name: 'Verify', states: ['verifying'] },
];
