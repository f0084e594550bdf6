import type { AddUploads, ClashRow, FolderNames, UploadPlan } from '../bindings/commands';

export type Clash = AddUploads['on_clash'];
/** Answers for single files, by their path on this computer. */
export type Answers = Record<string, Clash>;

/** Files that somebody wants to send. */
export interface Wish {
  sources: string[];
  account: string;
  place: string;
  /** What the place is called. */
  title: string;
  clash: Clash;
  metadata: Record<string, unknown>;
  folders?: FolderNames;
  /** The transfer that this replaces. */
  instead?: number;
}

/** More files at once than anybody picks by hand: a home folder dropped by mistake has them. */
export const MANY = 1_000;

/** Clashes that a person has to decide: the same bytes are settled without. */
export const openClashes = (plan: UploadPlan): number => plan.clash_count - plan.clashes.filter(({ same }) => same === true).length;

/** Whether something has to be decided before files are sent. What cannot be sent at all is told where it was asked for. */
export function needsAnswer(plan: UploadPlan, wish: Wish): boolean {
  if (plan.files === 0) return false;
  const clashes = wish.clash === 'ask' ? openClashes(plan) > 0 : wish.clash !== 'rename' && plan.clashes.some(({ kind }) => kind === 'twice');
  return clashes || plan.refused_count > 0 || (plan.folders.length > 0 && wish.folders === undefined) || plan.files > MANY;
}

/** What can be done about one clash, of what the service can do. None for the same bytes, which are not sent again. */
export function choicesOf(row: ClashRow, policies: readonly string[]): Clash[] {
  if (row.same === true) return [];
  const fits: Record<string, readonly Clash[]> = { there: ['rename', 'version', 'replace', 'skip'], unfinished: ['replace', 'skip'], twice: ['rename', 'skip'] };
  return (fits[row.kind] ?? []).filter((policy) => policies.includes(policy));
}

/** What is done about a clash unless somebody says otherwise: nothing that is there is lost. */
export function usual(row: ClashRow, policies: readonly string[], all: Clash): Clash {
  const choices = choicesOf(row, policies);
  return choices.includes(all) ? all : (choices[0] ?? 'ask');
}

/** Files that will be sent with these answers. */
export function sending(plan: UploadPlan, answers: Answers, all: Clash): number {
  const left = Object.values(answers).filter((answer) => answer === 'skip').length;
  const unlisted = all === 'skip' ? plan.clash_count - plan.clashes.length : 0;
  return plan.files - left - unlisted - plan.clashes.filter(({ same }) => same === true).length;
}

/** `scan.tif` → `scan (2).tif`, as the app numbers names. */
export function numbered(name: string): string {
  const begin = name.lastIndexOf('/') + 1;
  const dot = name.lastIndexOf('.');
  return dot > begin ? `${name.slice(0, dot)} (2)${name.slice(dot)}` : `${name} (2)`;
}
