// Who answers `before-quit`: the app drains first, and where it is not there yet, quitting waits until it is. However
// early a person quits, what was started is stopped in order.
import { app } from 'electron';

export interface Drained {
  /** Holds up `event` until everything has stopped, then quits for good. */
  quitAfterDraining(event: { preventDefault(): void }): void;
}

export class Quitting {
  #desktop: Drained | null = null;
  #wanted = false;

  onBeforeQuit(event: { preventDefault(): void }): void {
    if (this.#desktop !== null) return this.#desktop.quitAfterDraining(event);
    event.preventDefault();
    this.#wanted = true;
  }

  /** From now on there is something to drain. */
  opened(desktop: Drained): void {
    this.#desktop = desktop;
    if (this.#wanted) app.quit();
  }
}
