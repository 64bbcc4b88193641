// The one window: made when it is first wanted, hidden when it is closed, placed where it was.
import { BrowserWindow, nativeTheme, screen, shell } from 'electron';
import { pageUrl } from './address.ts';
import { assertPreferences, denyNavigation, securePreferences } from './window-guard.ts';
import { firstSize, minimumSize, readWindowState, writeWindowState } from './window-state.ts';

export interface WindowOptions {
  /** Where its place is kept. */
  readonly stateFile: string;
  readonly preload: string;
  readonly icon: string;
  /** Whether closing it is the end of the app. */
  readonly quitting: () => boolean;
}

/** Time after the last change until its place is written, in milliseconds. */
const settleMs = 500;

export class ConsoleWindow {
  readonly #window: BrowserWindow;
  readonly #stateFile: string;
  #timer: NodeJS.Timeout | null = null;

  private constructor(window: BrowserWindow, { stateFile, quitting }: WindowOptions) {
    this.#window = window;
    this.#stateFile = stateFile;
    for (const event of ['resize', 'move', 'maximize', 'unmaximize'] as const) {
      window.on(event as 'resize', () => this.#changed());
    }
    window.on('close', (event) => {
      if (quitting()) return;
      event.preventDefault();
      window.hide();
    });
  }

  /** Not shown yet. @throws GatehouseError `internal` where its page would not be sandboxed */
  static async make(options: WindowOptions): Promise<ConsoleWindow> {
    const areas = screen.getAllDisplays().map(({ workArea }) => workArea);
    const state = await readWindowState(options.stateFile, areas);
    const window = new BrowserWindow({
      ...(state?.bounds ?? firstSize),
      minWidth: minimumSize.width,
      minHeight: minimumSize.height,
      show: false,
      title: 'Gatehouse',
      icon: options.icon,
      autoHideMenuBar: true,
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#16181d' : '#ffffff',
      webPreferences: { ...securePreferences, preload: options.preload, spellcheck: false },
    });
    assertPreferences(window.webContents);
    denyNavigation(window.webContents, shell);
    if (state?.maximized === true) window.maximize();
    return new ConsoleWindow(window, options);
  }

  get contents(): Electron.WebContents {
    return this.#window.webContents;
  }

  async load(): Promise<void> {
    await this.#window.loadURL(pageUrl);
  }

  show(): void {
    if (this.#window.isMinimized()) this.#window.restore();
    this.#window.show();
    this.#window.focus();
  }

  /** Writes its place now. @throws GatehouseError `storage_failed` */
  async keepState(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#window.isDestroyed()) return;
    const bounds = this.#window.getNormalBounds();
    await writeWindowState(this.#stateFile, { bounds, maximized: this.#window.isMaximized() });
  }

  #changed(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.keepState().catch(() => undefined); // its place is no reason to trouble anybody
    }, settleMs);
  }
}
