import { describe, expect, it } from 'vitest';
import { bytes, percent, speed, splitName, timeLeft, when, whenInFull } from './formats';

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [999, '999 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [210 * 1024, '210 KiB'],
    [1.8 * 1024 ** 3, '1.8 GiB'],
    [1024 ** 5 * 5000, '5000 PiB'],
  ])('%d is %s', (count, text) => expect(bytes(count)).toBe(text));
});

it('writes speeds per second', () => expect(speed(84 * 1024 * 1024)).toBe('84.0 MiB/s'));

describe('time left', () => {
  it.each([
    [0, '1 s'],
    [40, '40 s'],
    [60, '1 min'],
    [3599, '1 h'],
    [11400, '3 h 10 min'],
    [187200, '2 d 4 h'],
  ])('%d s is %s', (seconds, text) => expect(timeLeft(seconds)).toBe(text));
});

it('never says 100 per cent of what is under way', () => {
  expect(percent(999_999, 1_000_000)).toBe(99);
  expect(percent(5, 5)).toBe(99);
  expect(percent(7, 5)).toBe(99);
  expect(percent(1, 2)).toBe(50);
  expect(percent(0, 0)).toBe(0);
});

it('writes the time of today and the date of another day', () => {
  const now = new Date(2026, 10, 24, 12, 0).getTime();
  expect(when(new Date(2026, 10, 24, 9, 7).getTime(), now)).toMatch(/9.07/);
  expect(when(new Date(2026, 10, 12, 9, 7).getTime(), now)).not.toMatch(/9.07/);
});

describe('names', () => {
  it('keeps short ones whole', () => expect(splitName('scan_07.czi')).toEqual({ head: 'scan_07.czi', tail: '' }));
  it('keeps running number and ending', () => {
    const { head, tail } = splitName('zebrafish-heart-48hpf-run-042-channel-0007.ome.tiff');
    expect(head + tail).toBe('zebrafish-heart-48hpf-run-042-channel-0007.ome.tiff');
    expect(tail).toBe('el-0007.ome.tiff');
  });
  it('does not cut a letter in two', () => {
    const { head, tail } = splitName('🧬'.repeat(31));
    expect(tail).not.toBe('');
    expect([...head, ...tail].every((letter) => letter === '🧬')).toBe(true);
  });
});

it('a date no calendar has is no fault of the window', () => {
  for (const milliseconds of [Infinity, -Infinity, NaN, 1e300, -9e15]) {
    expect(when(milliseconds, 0)).toBe('—');
    expect(whenInFull(milliseconds)).toBe('—');
  }
});
