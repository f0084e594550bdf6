import type { HoursRow } from '../bindings/commands';

const MIB = 1024 * 1024;

/** A line of the timetable as somebody fills it in. */
export interface HoursForm {
  /** Monday first; none ticked means every day, as all of them does. */
  days: boolean[];
  from: string;
  to: string;
  pace: 'nothing' | 'free' | 'atMost';
  /** MiB a second. */
  most: string;
}

/** The form of a stored line. */
export function hoursOf(row: HoursRow): HoursForm {
  return {
    days: [1, 2, 3, 4, 5, 6, 7].map((day) => row.days.length === 0 || row.days.includes(day)),
    from: row.from,
    to: row.to === '24:00' ? '00:00' : row.to,
    pace: row.bandwidth === null ? 'free' : row.bandwidth === 0 ? 'nothing' : 'atMost',
    most: row.bandwidth ? String(Math.round((row.bandwidth / MIB) * 100) / 100) : '10',
  };
}

/** The line of a form; none when something in it makes no sense. */
export function rowOf(form: HoursForm): HoursRow | null {
  const times = /^\d\d:\d\d$/;
  const most = Number(form.most);
  if (!times.test(form.from) || !times.test(form.to) || (form.pace === 'atMost' && !(most > 0))) return null;
  const days = form.days.flatMap((on, index) => (on ? [index + 1] : []));
  const bandwidth = form.pace === 'free' ? null : form.pace === 'nothing' ? 0 : Math.round(most * MIB);
  return { days: days.length === 7 ? [] : days, from: form.from, to: form.to, bandwidth };
}
