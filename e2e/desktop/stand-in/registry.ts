// What the app registers with Electron: handlers of IPC channels and of schemes.

/** What an IPC handler is told of the sender. */
export interface SenderFacts {
  readonly sender: unknown;
  readonly senderFrame: unknown;
}

type IpcHandler = (event: SenderFacts, ...args: readonly unknown[]) => unknown;

class IpcHandlers {
  readonly #handlers = new Map<string, IpcHandler>();

  get channels(): string[] {
    return [...this.#handlers.keys()];
  }

  handle(channel: string, handler: IpcHandler): void {
    if (this.#handlers.has(channel))
      throw new Error(`Attempted to register a second handler for '${channel}'`);
    this.#handlers.set(channel, handler);
  }

  async invoke(channel: string, event: SenderFacts, args: readonly unknown[]): Promise<unknown> {
    const handler = this.#handlers.get(channel);
    if (handler === undefined) throw new Error(`No handler registered for '${channel}'`);
    return handler(event, ...args);
  }
}

type SchemeHandler = (request: Request) => Promise<Response> | Response;

class ProtocolHandlers {
  readonly #handlers = new Map<string, SchemeHandler>();
  privileged: unknown = null;

  handle(scheme: string, handler: SchemeHandler): void {
    this.#handlers.set(scheme, handler);
  }

  async answer(request: Request): Promise<Response> {
    const handler = this.#handlers.get(request.url.split(':', 1)[0] ?? '');
    return (await handler?.(request)) ?? new Response(null, { status: 404 });
  }
}

export const ipcHandlers = new IpcHandlers();
export const protocolHandlers = new ProtocolHandlers();
