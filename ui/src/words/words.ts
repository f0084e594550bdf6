import { cs } from './cs';
import { en, type Words } from './en';
import { toolsFor, type Tools } from './tools';
import { zh } from './zh';

/** The languages there is a catalogue of, each by its own name. A key that one of them lacks does not compile. */
export const languages = { en: 'English', cs: 'Čeština', 'zh-Hans': '简体中文' } as const;
export type Language = keyof typeof languages;

const catalogues: Record<Language, (tools: Tools) => Words> = { en, cs, 'zh-Hans': zh };
const KEPT = 'labferry-language';

/** The language somebody chose, else the first of the system's there is a catalogue of, else English. */
export function pickLanguage(chosen: string | null, wanted: readonly string[]): Language {
  const known = (tag: string): Language | undefined => {
    const lower = tag.toLowerCase();
    if (lower.startsWith('zh')) return /hant|tw|hk|mo/.test(lower) ? undefined : 'zh-Hans';
    return (Object.keys(languages) as Language[]).find((language) => lower === language || lower.startsWith(`${language}-`));
  };
  for (const tag of chosen === null ? wanted : [chosen, ...wanted]) {
    const language = known(tag);
    if (language !== undefined) return language;
  }
  return 'en';
}

const inWindow = typeof document !== 'undefined';

/** The language of this window. It is chosen once, when the page is made. */
export const language: Language = inWindow ? pickLanguage(localStorage.getItem(KEPT), navigator.languages) : 'en';
if (inWindow) document.documentElement.lang = language;

/** Every sentence of the window that is not about a problem; those are in `problems`. */
export const words: Words = catalogues[language](toolsFor(language));

/** Keeps another language and makes the page anew; transfers are not the page's and go on. */
export function speak(chosen: Language): void {
  localStorage.setItem(KEPT, chosen);
  location.reload();
}
