import { language, words } from './words';

// Made once: making one takes milliseconds, and a list writes a hundred values in each frame of a scroll.
const numbers = [0, 1].map((digits) => new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false }));
const grouped = new Intl.NumberFormat(language);
const timeOfDay = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' });
const dateAlone = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
const inFull = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'medium' });

/** Milliseconds around 1970 that a date can stand for (ECMAScript, "Time Values"); a service may tell any number. */
const DATES = 8.64e15;
const written = (format: Intl.DateTimeFormat, milliseconds: number): string => (Math.abs(milliseconds) <= DATES ? format.format(milliseconds) : '—');

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** A size in binary units, with the unit written: `1.8 GiB`. Three figures at most, none after the point for bytes. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  // 1023.96 KiB must not read 1024.0 KiB.
  if (unit > 0 && value >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${(numbers[digits] ?? grouped).format(value)} ${units[unit]}`;
}

/** A speed: `84 MiB/s`. */
export function speed(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

/** Time left in words, coarse on purpose: `40 s`, `6 min`, `3 h 10 min`, `2 d 4 h`. */
export function timeLeft(seconds: number): string {
  const { s, min, h, d } = words.time;
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} ${s}`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} ${min}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} ${h}` : `${hours} ${h} ${minutes % 60} ${min}`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} ${d}` : `${days} ${d} ${hours % 24} ${h}`;
}

/** How much of a transfer under way is through, in whole per cent. At most 99: all of it is there only once it is finished and verified. */
export function percent(done: number, all: number): number {
  if (all <= 0) return 0;
  return Math.min(99, Math.max(0, Math.floor((done / all) * 100)));
}

/** A time as this computer writes it: the time of day when it was today, else the date. */
export function when(milliseconds: number, now: number): string {
  const sameDay = new Date(milliseconds).toDateString() === new Date(now).toDateString();
  return written(sameDay ? timeOfDay : dateAlone, milliseconds);
}

/** A day as this computer writes it. */
export const day = (milliseconds: number): string => new Date(milliseconds).toLocaleDateString(language, { dateStyle: 'medium' });

/** The end of a day that was chosen as `2027-03-31`, in local time; none for no day. */
export function endOfDay(chosen: string): number | null {
  const [year, month, date] = chosen.split('-').map(Number);
  if (year === undefined || month === undefined || date === undefined) return null;
  const end = new Date(year, month - 1, date, 23, 59, 59).getTime();
  return Number.isNaN(end) ? null : end;
}

/** A moment as a field for a day wants it. */
export function dayField(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (part: number) => String(part).padStart(2, '0');
  return `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The full date and time, for titles and screen readers. */
export function whenInFull(milliseconds: number): string {
  return written(inFull, milliseconds);
}

/** Splits a name so that its end (running number and ending) can stay visible when the front is cut. */
export function splitName(name: string): { head: string; tail: string } {
  const letters = [...name];
  if (letters.length <= 20) return { head: name, tail: '' };
  // Room for a double ending and what stands right before it, which tells one file of a series from the next.
  const kept = Math.min(16, Math.floor(letters.length / 2));
  return { head: letters.slice(0, -kept).join(''), tail: letters.slice(-kept).join('') };
}

/** A whole number as the language groups it. */
export const whole = (value: number): string => grouped.format(value);
