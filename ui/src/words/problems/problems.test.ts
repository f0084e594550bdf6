import { describe, expect, it } from 'vitest';
import type { ProblemWords } from '../../bindings/commands';
import { cs } from './cs';
import { tell } from './problems';
import { zh } from './zh';

const problem = (code: string, facts: Partial<NonNullable<ProblemWords['facts']>> = {}): ProblemWords => ({
  code,
  severity: 'error',
  message: 'In English.',
  next: 'Do it.',
  button: null,
  detail: null,
  facts: { subject: null, cause: null, cause_says_all: false, given_up: false, ...facts },
});

describe('problems in words', () => {
  it('are the app’s in English, and where there is nothing to make them of', () => {
    expect(tell(problem('not_found'), 'en').message).toBe('In English.');
    expect(tell(problem('a_code_of_tomorrow'), 'cs').message).toBe('In English.');
    expect(tell({ ...problem('not_found'), facts: undefined } as unknown as ProblemWords, 'cs').next).toBe('Do it.');
    expect(tell(problem('constructor'), 'cs').message).toBe('In English.');
  });

  it('name the subject and the cause', () => {
    expect(tell(problem('not_found', { subject: 'a$&b.tif', cause: 'HTTP 404.' }), 'cs')).toEqual({ message: 'Na službě nebylo nalezeno: a$&b.tif: HTTP 404.', next: cs.codes.not_found[2] });
    expect(tell(problem('not_found'), 'zh-Hans').message).toBe('服务上找不到此项。');
    expect(tell(problem('name_taken', { subject: '扫描.tif' }), 'zh-Hans').message).toBe('已有名为“扫描.tif”的文件。');
    expect(tell(problem('invalid_request', { cause: 'the name is empty', cause_says_all: true }), 'cs').message).toBe('the name is empty.');
    expect(tell(problem('rate_limited', { given_up: true }), 'zh-Hans').next).toBe(zh.givenUp);
  });

  it('say every code with one place for its subject', () => {
    for (const [code, [sentence, it, next]] of [...Object.entries(cs.codes), ...Object.entries(zh.codes)]) {
      expect(sentence.split('{}'), code).toHaveLength(2);
      expect([it, next].every((text) => text !== ''), code).toBe(true);
    }
  });
});
