export type Theme = 'auto' | 'light' | 'dark';
const themes: readonly Theme[] = ['auto', 'light', 'dark'];

/** What this window remembers by itself: how it looks. */
export class Settings {
  theme = $state<Theme>('auto');
  /** Whether the drawer is unfolded; none until somebody decided. */
  drawer = $state<boolean | null>(null);
  /** The folder of the last download. */
  folder = $state('');

  constructor(private readonly kept: Pick<Storage, 'getItem' | 'setItem'>) {
    const theme = kept.getItem('labferry-theme');
    this.theme = themes.find((known) => known === theme) ?? 'auto';
    const drawer = kept.getItem('labferry-drawer');
    this.drawer = drawer === null ? null : drawer === 'open';
    this.folder = kept.getItem('labferry-folder') ?? '';
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

  setFolder(folder: string): void {
    this.folder = folder;
    this.kept.setItem('labferry-folder', folder);
  }
}
