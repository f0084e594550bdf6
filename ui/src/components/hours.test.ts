import { expect, it } from 'vitest';
import { hoursOf, rowOf } from './hours';

it('gives back each line of a timetable as it was', () => {
  for (const row of [
    { days: [1, 2, 3, 4, 5], from: '08:00', to: '18:30', bandwidth: 5 * 1024 * 1024 },
    { days: [], from: '22:00', to: '06:00', bandwidth: null },
    { days: [6, 7], from: '00:00', to: '12:00', bandwidth: 0 },
  ]) expect(rowOf(hoursOf(row))).toEqual(row);
});

it('takes the end of a day as the beginning of the next', () => expect(hoursOf({ days: [], from: '20:00', to: '24:00', bandwidth: 0 }).to).toBe('00:00'));

it('refuses what makes no sense', () => {
  const form = hoursOf({ days: [], from: '08:00', to: '18:00', bandwidth: 1024 * 1024 });
  expect(rowOf({ ...form, from: '' })).toBeNull();
  for (const most of ['', '0', '-1', 'fast']) expect(rowOf({ ...form, most }), most).toBeNull();
  expect(rowOf({ ...form, most: '', pace: 'nothing' })?.bandwidth).toBe(0);
});
