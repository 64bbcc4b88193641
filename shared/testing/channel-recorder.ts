// A channel handler for tests that writes down everything it is told, and a witness of the messages at a peer.
// Must stay passive: it answers nothing.
import type { WebSocket } from 'ws';
import type { GatehouseError } from '../contracts/errors.ts';
import type { ChannelHandler, WebSocketChannel } from '../net/channel.ts';

export class ChannelRecorder implements ChannelHandler {
  readonly chunks: Uint8Array[] = [];
  readonly closes: GatehouseError[] = [];
  received = 0;
  drains = 0;
  onDrained: (() => void) | null = null;

  /** Starts `channel` with this recorder. */
  constructor(channel: WebSocketChannel) {
    channel.start(this);
  }

  get closeCodes(): string[] {
    return this.closes.map((error) => error.code);
  }

  binary(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.received += chunk.length;
  }

  drained(): void {
    this.drains += 1;
    this.onDrained?.();
  }

  closed(error: GatehouseError): void {
    this.closes.push(error);
  }
}

/** The messages that arrive at `ws` from now on. */
export function messagesAt(ws: WebSocket): Buffer[] {
  const messages: Buffer[] = [];
  ws.on('message', (data: Buffer) => messages.push(data));
  return messages;
}
