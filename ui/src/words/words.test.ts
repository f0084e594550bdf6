import { describe, expect, it } from 'vitest';
import { cs } from './cs';
import { en } from './en';
import { toolsFor } from './tools';
import { languages, pickLanguage } from './words';
import { zh } from './zh';

const made = { en: en(toolsFor('en')), cs: cs(toolsFor('cs')), 'zh-Hans': zh(toolsFor('zh-Hans')) };

/** Every text of a catalogue by its path; functions are called with plain values. */
function texts(of: unknown, path = ''): [string, string][] {
  if (typeof of === 'string') return [[path, of]];
  if (typeof of === 'function') return [[path, String((of as (...given: unknown[]) => unknown)(3, 5, 1, false))]];
  return Object.entries(of as object).flatMap(([name, value]) => texts(value, `${path}.${name}`));
}

describe('catalogues', () => {
  it('there is one for each language', () => expect(Object.keys(made)).toEqual(Object.keys(languages)));

  it.each(['cs', 'zh-Hans'] as const)('%s says everything, and in its own words', (language) => {
    const [english, own] = [new Map(texts(made.en)), texts(made[language])];
    expect(own.map(([path]) => path)).toEqual([...english.keys()]);
    const same = own.filter(([path, text]) => text === english.get(path)).map(([path]) => path);
    // A name, units, a key, and words that are the same in Czech.
    const kept = ['.product', '.time.s', '.time.min', '.time.h', '.time.d', '.app.key', '.files.metadata', '.transfers.of', '.queue.batch', '.queue.fetched'];
    expect(same.filter((path) => !kept.includes(path))).toEqual([]);
    expect(own.filter(([, text]) => text.trim() === '')).toEqual([]);
  });

  it('writes each plural of Czech', () => {
    const { records } = made.cs;
    expect([1, 2, 4, 5, 0, 22].map((count) => records.files(count))).toEqual(['1 soubor', '2 soubory', '4 soubory', '5 souborů', '0 souborů', '22 souborů']);
    expect(made.en.records.files(1)).toBe('1 file');
    expect(made.en.records.files(1234)).toBe('1,234 files');
    expect(made['zh-Hans'].records.files(2)).toBe('2 个文件');
  });

  it('asks for help in the same order of care', () => {
    expect(made.en.transfers.summary.needs_you(1)).toBe('1 needs you');
    expect(made.en.transfers.summary.needs_you(3)).toBe('3 need you');
  });
});

describe('the language of a window', () => {
  it.each([
    [null, ['cs-CZ', 'en'], 'cs'],
    [null, ['zh-CN'], 'zh-Hans'],
    [null, ['zh'], 'zh-Hans'],
    [null, ['zh-TW', 'en-GB'], 'en'],
    [null, ['de-DE'], 'en'],
    [null, [], 'en'],
    ['cs', ['en'], 'cs'],
    ['xx', ['zh-SG'], 'zh-Hans'],
  ])('chosen %s, wanted %j: %s', (chosen, wanted, language) => expect(pickLanguage(chosen, wanted)).toBe(language));
});
