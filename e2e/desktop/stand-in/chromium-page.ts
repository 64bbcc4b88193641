// A page of the stand-in's Chromium as a window needs it: the app's own scheme answered by the app, navigation and new
// windows put to its handlers, the preload in its isolated world. It reaches no network.
import { randomBytes } from 'node:crypto';
import type { Cdp, Params } from './cdp.ts';
import { binding, isolatedWorldScript, mainWorldScript, world } from './page-scripts.ts';

/** Where `app://gatehouse` stands: Chromium without Electron aborts a scheme that it does not know. */
const standsAt = 'https://app.gatehouse.test';
const origin = 'app://gatehouse';

export function toApp(url: string): string {
  return url === standsAt || url.startsWith(`${standsAt}/`) ? origin + url.slice(standsAt.length) : url;
}

function toChromium(url: string): string {
  return url.startsWith(origin) ? standsAt + url.slice(origin.length) : url;
}

export interface PageHost {
  /** Of a request to the app's own scheme. */
  answer(request: Request): Promise<Response>;
  /** Whether the page may go there. */
  mayNavigate(url: string, isMainFrame: boolean): boolean;
  /** It has asked for a new window; there is none, whatever is answered. */
  onOpen(url: string): void;
  onNavigated(): void;
  /** The preload invokes `channel`. */
  invoke(channel: string, args: readonly unknown[]): Promise<unknown>;
}

interface PausedRequest {
  readonly requestId: string;
  readonly resourceType: string;
  readonly frameId: string;
  readonly request: {
    readonly url: string;
    readonly method: string;
    readonly headers: Record<string, string>;
  };
}

export class ChromiumPage {
  readonly #cdp: Cdp;
  readonly #host: PageHost;
  readonly #preload: string;
  #targetId = '';
  #sessionId = '';
  #mainFrame = '';
  #isolated: number | null = null;
  /** The address that the app itself loads: nobody is asked about that. */
  #loading: string | null = null;
  /** As the app sees it. */
  url = 'about:blank';

  constructor(cdp: Cdp, preload: string, host: PageHost) {
    this.#cdp = cdp;
    this.#preload = preload;
    this.#host = host;
  }

  async open(): Promise<void> {
    const cdp = this.#cdp;
    const target = await cdp.send('Target.createTarget', { url: 'about:blank', newWindow: true });
    this.#targetId = String(target.targetId);
    const attached = await cdp.send('Target.attachToTarget', { targetId: this.#targetId, flatten: true });
    this.#sessionId = String(attached.sessionId);
    this.#listen();
    const { frameTree } = (await this.#send('Page.getFrameTree')) as { frameTree: { frame: { id: string } } };
    this.#mainFrame = frameTree.frame.id;
    await this.#send('Page.enable');
    await this.#send('Runtime.enable');
    await this.#send('Fetch.enable', { patterns: [{ urlPattern: '*' }] });
    await this.#send('Runtime.addBinding', { name: binding, executionContextName: world });
    const secret = randomBytes(16).toString('hex');
    await this.#send('Page.addScriptToEvaluateOnNewDocument', { source: mainWorldScript(secret) });
    const source = isolatedWorldScript(secret, this.#preload);
    await this.#send('Page.addScriptToEvaluateOnNewDocument', { source, worldName: world });
  }

  /** Resolves when it has loaded. */
  async load(url: string): Promise<void> {
    this.#loading = url;
    const loaded = new Promise<void>((resolve) => {
      this.#on('Page.loadEventFired', () => resolve());
    });
    await this.#send('Page.navigate', { url: toChromium(url) });
    await loaded;
  }

  /** To the preload, on `channel`. */
  deliver(channel: string, args: readonly unknown[]): void {
    this.#inPreload(`standInDeliver(${JSON.stringify(channel)}, ${JSON.stringify(args)})`);
  }

  #send(method: string, params: Params = {}): Promise<Params> {
    return this.#cdp.send(method, params, this.#sessionId);
  }

  #on(event: string, listener: (params: Params) => void): void {
    this.#cdp.on(event, (params, sessionId) => {
      if (sessionId === this.#sessionId) listener(params);
    });
  }

  #listen(): void {
    this.#on('Runtime.executionContextCreated', ({ context }) => {
      const { id, name, auxData } = context as { id: number; name: string; auxData: { frameId: string } };
      if (name === world && auxData.frameId === this.#mainFrame) this.#isolated = id;
    });
    this.#on('Page.frameNavigated', ({ frame }) => {
      const { id, url } = frame as { id: string; url: string };
      if (id !== this.#mainFrame) return;
      this.url = toApp(url);
      this.#host.onNavigated();
    });
    this.#on('Runtime.bindingCalled', ({ name, payload }) => {
      if (name === binding) void this.#invoked(String(payload));
    });
    this.#on('Fetch.requestPaused', (paused) => {
      // The page may be gone before it is answered.
      this.#paused(paused as Params & PausedRequest).catch(() => undefined);
    });
    // Chromium itself opens none (its switch block-new-web-contents): one that opened could only be closed again.
    this.#on('Page.windowOpen', ({ url }) => {
      this.#host.onOpen(String(url));
    });
  }

  async #invoked(payload: string): Promise<void> {
    const { id, channel, args } = JSON.parse(payload) as { id: number; channel: string; args: unknown[] };
    const settle = (...with_: readonly unknown[]): void => {
      this.#inPreload(
        `standInSettle(${[id, ...with_].map((value) => JSON.stringify(value ?? null)).join(', ')})`,
      );
    };
    try {
      settle(null, await this.#host.invoke(channel, args));
    } catch (error) {
      settle(`Error invoking remote method '${channel}': ${String(error)}`, null);
    }
  }

  #inPreload(expression: string): void {
    if (this.#isolated === null) return;
    // A page that was left has no such world any more.
    this.#send('Runtime.evaluate', { expression, contextId: this.#isolated }).catch(() => undefined);
  }

  async #paused({ requestId, resourceType, frameId, request }: PausedRequest): Promise<void> {
    const url = toApp(request.url);
    const isMainFrame = frameId === this.#mainFrame;
    const byApp = url === this.#loading;
    if (resourceType === 'Document' && !byApp && !this.#host.mayNavigate(url, isMainFrame)) {
      return this.#fail(requestId, 'Aborted');
    }
    if (byApp) this.#loading = null;
    if (!url.startsWith(`${origin}/`)) return this.#fail(requestId, 'InternetDisconnected');
    const { method, headers } = request;
    const response = await this.#host.answer(new Request(url, { method, headers }));
    const body = Buffer.from(await response.arrayBuffer()).toString('base64');
    const responseHeaders = [...response.headers].map(([name, value]) => ({ name, value }));
    await this.#send('Fetch.fulfillRequest', {
      requestId,
      responseCode: response.status,
      responseHeaders,
      body,
    });
  }

  async #fail(requestId: string, errorReason: string): Promise<void> {
    await this.#send('Fetch.failRequest', { requestId, errorReason });
  }
}
