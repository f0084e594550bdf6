/** The rows of a long list that are worth drawing. */
export interface VirtualWindow {
  /** The first row drawn. */
  first: number;
  /** One past the last. */
  end: number;
  /** How many are drawn at most, wherever the list stands: so many places for rows are enough. */
  places: number;
  /** Where the first stands, in pixels from the top. */
  top: number;
  /** Height of the whole list in pixels. */
  total: number;
}

/** Pixels drawn beyond either edge: two turns of a wheel (Chromium and WebKit scroll 100 to 120 a turn). */
const SPARE = 216;

/** Which rows of equal height are in sight, and `spare` more on either side so that scrolling shows no gap. */
export function virtualWindow(scrollTop: number, height: number, rowHeight: number, count: number, spare = Math.ceil(SPARE / rowHeight)): VirtualWindow {
  const last = Math.max(0, count - 1);
  const first = Math.min(last, Math.max(0, Math.floor(scrollTop / rowHeight) - spare));
  const end = Math.min(count, Math.max(first, Math.ceil((scrollTop + height) / rowHeight) + spare));
  // One more than fits, for the list seldom stands at the beginning of a row.
  const places = Math.ceil(height / rowHeight) + 1 + 2 * spare;
  return { first, end, places, top: first * rowHeight, total: count * rowHeight };
}

/** Where to scroll so that a row is whole in sight; the place it has where it is. */
export function scrollTo(row: number, scrollTop: number, height: number, rowHeight: number): number {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  return Math.max(scrollTop, top + rowHeight - height);
}
