// Real WebSockets on loopback for tests: a channel under test with a peer that is either a channel too, a
// plain `ws` client, or a bare TCP socket that speaks RFC 6455 by hand and so can misbehave in any way.
// Everything is closed when the test that opened it has finished.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { maxMessageLength, WebSocketChannel } from '../net/channel.ts';
import { Link } from '../net/link.ts';
import type { LinkOptions } from '../net/link.ts';

export interface Accepted {
  readonly ws: WebSocket;
  readonly socket: Socket;
}

export interface SocketServer {
  readonly port: number;
  /** The next WebSocket that is accepted. */
  readonly accepted: Promise<Accepted>;
}

/** A server for one WebSocket, as the relay makes one. */
export async function listenForSocket(): Promise<SocketServer> {
  const http = createServer();
  const sockets = new Set<Socket>();
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: maxMessageLength });
  http.on('connection', (socket) => sockets.add(socket));
  const accepted = new Promise<Accepted>((resolve) => {
    http.on('upgrade', (request, duplex, head) => {
      wss.handleUpgrade(request, duplex, head, (ws) => resolve({ ws, socket: request.socket }));
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    http.close();
  });
  return { port: (http.address() as AddressInfo).port, accepted };
}

export interface ChannelWithPeer<Peer> {
  readonly channel: WebSocketChannel;
  readonly ws: WebSocket;
  readonly socket: Socket;
  readonly peer: Peer;
  /** The socket under the peer. */
  readonly peerSocket: Socket;
}

/** A channel at the server whose peer is a plain `ws` client. */
export async function openWithClient(): Promise<ChannelWithPeer<WebSocket>> {
  const server = await listenForSocket();
  const peer = new WebSocket(`ws://127.0.0.1:${server.port}`, { perMessageDeflate: false });
  let peerSocket: Socket | null = null;
  peer.on('upgrade', (response) => (peerSocket = response.socket));
  peer.on('error', () => {});
  const opened = once(peer, 'open');
  const { ws, socket } = await server.accepted;
  const channel = new WebSocketChannel(ws, socket);
  await opened;
  return { channel, ws, socket, peer, peerSocket: peerSocket! };
}

/** Two channels joined to each other. */
export async function openChannels(): Promise<ChannelWithPeer<WebSocketChannel>> {
  const pair = await openWithClient();
  return { ...pair, peer: new WebSocketChannel(pair.peer, pair.peerSocket) };
}

/** Two links joined to each other: `near` is the dialler. */
export async function openLinks(
  near: Omit<LinkOptions, 'role'>,
  far: Omit<LinkOptions, 'role'>,
): Promise<{ near: Link; far: Link; nearSocket: Socket; farSocket: Socket }> {
  const { channel, socket, peer, peerSocket } = await openChannels();
  const links = {
    near: new Link(peer, { ...near, role: 'dialler' }),
    far: new Link(channel, { ...far, role: 'listener' }),
  };
  onTestFinished(() => {
    links.near.close();
    links.far.close();
  });
  return { ...links, nearSocket: peerSocket, farSocket: socket };
}

/** A channel at the server whose peer is a bare socket past its upgrade. Send it `webSocketFrame`s. */
export async function openWithBareSocket(): Promise<ChannelWithPeer<Socket>> {
  const server = await listenForSocket();
  const peer = connect(server.port, '127.0.0.1');
  peer.on('error', () => {});
  peer.write(
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  const { ws, socket } = await server.accepted;
  const channel = new WebSocketChannel(ws, socket);
  await once(peer, 'data');
  onTestFinished(() => {
    peer.destroy();
  });
  return { channel, ws, socket, peer, peerSocket: peer };
}

export const opcode = { continuation: 0, text: 1, binary: 2 } as const;

/** A frame of RFC 6455 section 5.2, masked with zeros; `length` is the payload's unless it is said. */
export function webSocketFrame(
  code: number,
  payload: Uint8Array,
  final = true,
  length = payload.length,
): Buffer {
  const head = Buffer.alloc(14);
  head[0] = (final ? 0x80 : 0) | code;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}
