export type Theme = 'auto' | 'light' | 'dark';
const themes: readonly Theme[] = ['auto', 'light', 'dark'];

/** Sizes of everything, up to the 200 % of WCAG 1.4.4. */
export const zooms: readonly number[] = [0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2];

/** What this window remembers by itself: how it looks. */
export class Settings {
  theme = $state<Theme>('auto');
  /** Whether the drawer is unfolded; none until somebody decided. */
  drawer = $state<boolean | null>(null);
  /** Whether the transfers fill the window. */
  full = $state(false);
  /** Whether they are listed by batch. */
  byBatch = $state(false);
  /** How large everything is, 1 for the usual size. */
  zoom = $state(1);
  /** The folder of the last download. */
  folder = $state('');

  constructor(private readonly kept: Pick<Storage, 'getItem' | 'setItem'>) {
    const theme = kept.getItem('labferry-theme');
    this.theme = themes.find((known) => known === theme) ?? 'auto';
    const drawer = kept.getItem('labferry-drawer');
    this.drawer = drawer === null ? null : drawer === 'open';
    this.folder = kept.getItem('labferry-folder') ?? '';
    this.byBatch = kept.getItem('labferry-list') === 'batches';
    const zoom = Number(kept.getItem('labferry-zoom') ?? 1);
    this.zoom = zooms.find((known) => known === zoom) ?? 1;
  }

  nextTheme(): void {
    this.setTheme(themes[(themes.indexOf(this.theme) + 1) % themes.length] ?? 'auto');
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.kept.setItem('labferry-theme', theme);
  }

  setDrawer(open: boolean): void {
    this.drawer = open;
    this.kept.setItem('labferry-drawer', open ? 'open' : 'folded');
  }

  setByBatch(byBatch: boolean): void {
    this.byBatch = byBatch;
    this.kept.setItem('labferry-list', byBatch ? 'batches' : 'files');
  }

  /** One step larger or smaller, or the usual size. */
  resize(by: -1 | 0 | 1): void {
    const at = zooms.indexOf(this.zoom);
    this.setZoom(by === 0 ? 1 : (zooms[Math.min(zooms.length - 1, Math.max(0, at + by))] ?? 1));
  }

  setZoom(zoom: number): void {
    this.zoom = zoom;
    this.kept.setItem('labferry-zoom', String(this.zoom));
  }

  setFolder(folder: string): void {
    this.folder = folder;
    this.kept.setItem('labferry-folder', folder);
  }
}
