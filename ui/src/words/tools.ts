/** What a catalogue needs to write numbers and plurals the way its language does. */
export interface Tools {
  /** A whole number with the language's own grouping: `12,345`, `12 345`. */
  number: (value: number) => string;
  /** A count with its noun in the form the language wants for it: 1 soubor, 2 soubory, 5 souborů. */
  plural: (count: number, forms: Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }) => string;
  /** The form alone, without the count. */
  form: (count: number, forms: Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }) => string;
  /** How this system writes a command key. */
  key: (letter: string) => string;
}

/** Whether this is a Mac, whose keys have other names. */
export const onMac = typeof navigator !== 'undefined' && navigator.userAgent.includes('Mac');

export function toolsFor(language: string): Tools {
  const rules = new Intl.PluralRules(language);
  const { format: number } = new Intl.NumberFormat(language);
  const form: Tools['form'] = (count, forms) => forms[rules.select(count)] ?? forms.other;
  return { number, form, plural: (count, forms) => `${number(count)} ${form(count, forms)}`, key: (letter) => (onMac ? `⌘${letter}` : `Ctrl ${letter}`) };
}
