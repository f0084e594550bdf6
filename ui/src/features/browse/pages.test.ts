import { describe, expect, it } from 'vitest';
import { doiOf, doiPage, mayOpen } from './pages';

const account = 'https://data.example.org/api';

describe('pages of a service', () => {
  it.each([
    ['https://data.example.org/records/1', true],
    ['https://doi.org/10.5281/zenodo.1', true],
    ['http://data.example.org/records/1', false],
    ['https://data.example.org.evil.example/records/1', false],
    ['https://data.example.org@evil.example/', false],
    ['https://user:secret@data.example.org/', false],
    ['javascript:alert(1)', false],
    ['file:///etc/passwd', false],
    ['nonsense', false],
    [null, false],
  ])('%s: %s', (address, may) => expect(mayOpen(address, account)).toBe(may));
});

describe('the DOI of a record', () => {
  it('is found in every shape of metadata', () => {
    expect(doiOf({ pids: { doi: { identifier: '10.5281/zenodo.7', provider: 'datacite' } } })).toBe('10.5281/zenodo.7');
    expect(doiOf({ metadata: { DOI: 'https://doi.org/10.1234/a-b' } })).toBe('10.1234/a-b');
    expect(doiPage('10.1234/a b')).toBe('https://doi.org/10.1234/a%20b');
  });

  it('is none where there is none', () => {
    const loop: Record<string, unknown> = {};
    loop['again'] = loop;
    for (const metadata of [null, 7, 'doi', [], { doi: 7 }, { doi: '<script>' }, { doi: null }, loop]) expect(doiOf(metadata)).toBeNull();
  });
});
