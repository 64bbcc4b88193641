// What a page of Chromium does while it is looked at: its long tasks, the CPU time of its main thread, its heap after a
// collection. Nothing of the console's own is asked.
import type { CDPSession, Page } from '@playwright/test';

/** Tasks of the main thread beyond this many milliseconds are told (W3C Long Tasks). */
export const longTaskMs = 50;

const observe = `window.longTasks = []; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longTasks.push(entry.duration);
}).observe({ type: 'longtask', buffered: false });`;

export interface Watched {
  /** Milliseconds each. */
  readonly longTasks: readonly number[];
  /** Share of the time in which the main thread had the CPU. */
  readonly busy: number;
}

export class PageProbe {
  readonly #page: Page;
  readonly #cdp: CDPSession;

  private constructor(page: Page, cdp: CDPSession) {
    this.#page = page;
    this.#cdp = cdp;
  }

  /** Before the page has a document; CPU time instead of the clock, which others share. */
  static async on(page: Page): Promise<PageProbe> {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
    await page.addInitScript(observe);
    return new PageProbe(page, cdp);
  }

  /** What the main thread did during `work`. */
  async watch(work: () => Promise<unknown>): Promise<Watched> {
    await this.#page.evaluate('window.longTasks.length = 0');
    const began = performance.now();
    const before = await this.cpuMs();
    await work();
    const busy = ((await this.cpuMs()) - before) / (performance.now() - began);
    return { longTasks: await this.#page.evaluate('window.longTasks'), busy };
  }

  /** How long the calls of this name took since the last look, milliseconds each, as the page saw them. */
  callMs(name: string): Promise<number[]> {
    return this.#page.evaluate(`(() => {
      const calls = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/api/${name}'));
      performance.clearResourceTimings();
      performance.setResourceTimingBufferSize(100000);
      return calls.map(({ duration }) => duration);
    })()`);
  }

  /** CPU time of the main thread's tasks since the page began, milliseconds. */
  async cpuMs(): Promise<number> {
    const { metrics } = await this.#cdp.send('Performance.getMetrics');
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN) * 1000;
  }

  /** MiB that live after a collection. */
  async heapMib(): Promise<number> {
    await this.#cdp.send('HeapProfiler.collectGarbage');
    const { usedSize } = await this.#cdp.send('Runtime.getHeapUsage');
    return usedSize / 2 ** 20;
  }
}
