import type { CopyRow, FileRow, FolderFileRow, FolderRow, ReceiptRow, TransferRow } from '../bindings/commands';
import { timeLeft } from './formats';
import { words } from './words';

const { states } = words;

/** How a state is shown: always a shape and a word; the colour comes from the tone. Only what is proven is `good`. */
export interface StateWords {
  word: string;
  shape: 'clock' | 'hash' | 'up' | 'down' | 'dots' | 'sent' | 'verified' | 'pause' | 'again' | 'attention' | 'failed' | 'dash' | 'file' | 'offline' | 'watch' | 'write';
  tone: 'quiet' | 'busy' | 'good' | 'warn' | 'bad';
}

const state = (word: string, shape: StateWords['shape'], tone: StateWords['tone']): StateWords => ({ word, shape, tone });

function waitingWords(row: TransferRow, now: number): StateWords {
  switch (row.waiting) {
    case 'interrupted':
      return state(states.interrupted, 'clock', 'quiet');
    case 'retry_at':
      return state(row.retry_at === null || row.retry_at <= now ? states.trying : states.againIn(timeLeft((row.retry_at - now) / 1000)), 'again', 'warn');
    case 'offline':
      return state(states.offline, 'offline', 'warn');
    case 'sign_in':
      return state(states.signIn, 'attention', 'warn');
    case 'source_changed':
      return state(states.changing, 'clock', 'quiet');
    case 'timetable':
      return state(states.timetable, 'clock', 'quiet');
    case 'metered':
      return state(states.metered, 'pause', 'quiet');
    case 'account_paused':
      return state(states.accountPaused, 'pause', 'quiet');
    case 'disk_low':
      return state(states.diskFull, 'attention', 'warn');
    default:
      return state(states.waiting, 'clock', 'quiet');
  }
}

/** The state of a transfer. */
export function transferWords(row: TransferRow, now: number): StateWords {
  switch (row.state) {
    case 'waiting':
      return waitingWords(row, now);
    case 'checking':
      return state(states.checking, 'hash', 'busy');
    case 'planned':
      return state(states.planned, 'dots', 'busy');
    case 'moving':
      return row.direction === 'download' ? state(states.receiving, 'down', 'busy') : state(states.sending, 'up', 'busy');
    case 'finishing':
      return state(states.finishing, 'dots', 'busy');
    case 'verifying':
      return state(states.verifying, 'hash', 'busy');
    case 'done':
      if (row.verified) return state(states.verified, 'verified', 'good');
      return state(row.direction === 'download' ? states.received : states.sent, 'sent', 'busy');
    case 'skipped':
      return state(states.skipped, 'dash', 'quiet');
    case 'failed':
      return row.problem?.severity === 'attention' ? state(states.needsYou, 'attention', 'warn') : state(states.failed, 'failed', 'bad');
    case 'paused':
      return state(states.paused, 'pause', 'quiet');
    case 'cancelled':
      return state(states.cancelled, 'dash', 'quiet');
    default:
      return state(row.state, 'dash', 'quiet');
  }
}

/** The state of a file on a service. */
export function fileWords(file: FileRow): StateWords {
  if (file.status === 'pending') return state(states.unfinished, 'dots', 'warn');
  if (file.status === 'failed') return state(states.failedThere, 'failed', 'bad');
  if (file.status === 'processing') return state(states.processing, 'dots', 'busy');
  if (file.verified) return state(states.verified, 'verified', 'good');
  return file.proof === null ? state(states.onService, 'file', 'quiet') : state(states.sent, 'sent', 'busy');
}

/** How sure a receipt is. */
export function receiptWords(receipt: ReceiptRow): StateWords {
  return receipt.verified ? state(states.verified, 'verified', 'good') : state(states.notProven, 'sent', 'busy');
}

const WATCHES: Record<string, [StateWords['shape'], StateWords['tone']]> = {
  starting: ['dots', 'busy'],
  watching: ['watch', 'busy'],
  polling: ['again', 'busy'],
  degraded: ['attention', 'warn'],
  suspended: ['attention', 'warn'],
  paused: ['pause', 'quiet'],
  not_running: ['dash', 'quiet'],
};

/** How a watched folder stands. */
export function watchWords(row: FolderRow): StateWords {
  const [shape, tone] = WATCHES[row.state] ?? ['dash', 'quiet'];
  return state(words.folders.states[row.state] ?? row.state, shape, tone);
}

const WATCHED: Record<string, [StateWords['shape'], StateWords['tone']]> = {
  writing: ['write', 'quiet'],
  settling: ['clock', 'quiet'],
  empty: ['attention', 'warn'],
  ignored: ['dash', 'quiet'],
  queued: ['up', 'busy'],
  done: ['verified', 'good'],
  sent: ['sent', 'busy'],
  changed: ['attention', 'warn'],
  failed: ['attention', 'warn'],
};

/** Where a file of a watched folder stands. One that is done without a proof is only sent. */
export function watchedFileWords(file: FolderFileRow): StateWords {
  const name = file.state === 'done' && file.verified === null ? 'sent' : file.state;
  const [shape, tone] = WATCHED[name] ?? ['dash', 'quiet'];
  return state(words.folders.fileStates[name] ?? name, shape, tone);
}

/** How a copy stands. It is green only when every one of its files is proven. */
export function copyWords(row: CopyRow): StateWords {
  const { states } = words.copies;
  switch (row.state) {
    case 'working':
      return state(states.working, 'up', 'busy');
    case 'done':
      return row.verified === row.files ? state(states.done, 'verified', 'good') : state(states.unproven, 'sent', 'busy');
    case 'needs_you':
      return state(states.needs_you, 'attention', 'warn');
    default:
      return state(states.stopped, 'dash', 'quiet');
  }
}

/** What a kind of proof means, short and in a sentence. */
export const proofs: Record<string, { short: string; sentence: string }> = words.proofs;

/** The way of a transfer, in order, with the states in which each step is being taken. */
export const phases: readonly { name: string; states: readonly string[] }[] = [
  { name: words.phases.queue, states: ['waiting'] },
  { name: words.phases.check, states: ['checking'] },
  { name: words.phases.plan, states: ['planned'] },
  { name: words.phases.move, states: ['moving'] },
  { name: words.phases.finish, states: ['finishing'] },
  { name: words.phases.verify, states: ['verifying'] },
];

/** What a container is called by its kind. */
export const kindWords = (kind: string): string => (words.records.kinds as Record<string, string>)[kind] ?? kind;
