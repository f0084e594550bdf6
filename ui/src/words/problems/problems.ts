import type { ProblemCode, ProblemWords } from '../../bindings/commands';
import { language, type Language } from '../words';
import { cs } from './cs';
import { zh } from './zh';

/** The words for every problem in one language. A code that is missing does not compile. */
export interface ProblemCatalogue {
  /** What to do about something that would usually go on by itself, and was given up. */
  readonly givenUp: string;
  /** The sentence without its full stop, `{}` for the subject; the subject where none is known; what to do next. */
  readonly codes: Readonly<Record<ProblemCode, readonly [sentence: string, it: string, next: string]>>;
}

/** English comes in words from the app, whose table the command line needs too. */
const catalogues: Record<Language, ProblemCatalogue | null> = { en: null, cs, 'zh-Hans': zh };

const known = (catalogue: ProblemCatalogue, code: string) => (Object.hasOwn(catalogue.codes, code) ? catalogue.codes[code as ProblemCode] : undefined);

/** A problem's two sentences in a language; the app's own where that has no words, or nothing to make them of. */
export function tell(problem: ProblemWords, spoken: Language = language): { message: string; next: string } {
  const catalogue = catalogues[spoken];
  const line = catalogue === null ? undefined : known(catalogue, problem.code);
  if (catalogue === null || line === undefined || problem.facts === undefined) return problem;
  const { subject, cause, cause_says_all, given_up } = problem.facts;
  const [sentence, it, next] = line;
  const stop = spoken === 'zh-Hans' ? '。' : '.';
  const colon = spoken === 'zh-Hans' ? '：' : ': ';
  const isWhole = cause_says_all && cause !== null;
  // The subject may hold what the replacement would read as a pattern.
  const first = isWhole ? (subject === null || cause.includes(subject) ? '' : subject) : sentence.replace('{}', () => subject ?? it);
  const message = [first, cause?.replace(/[.。]+$/, '')].filter((part) => part !== undefined && part !== '').join(colon);
  return { message: message + stop, next: given_up ? catalogue.givenUp : next };
}
