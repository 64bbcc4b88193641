// The example page from an origin of its own, as a real app's would be: the files of out/trial-app, and its config.json.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { repository } from './home.ts';

const types: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'app.js': 'text/javascript',
  'style.css': 'text/css',
};

export class PageOrigin {
  /** What `config.json` says. */
  config: Record<string, string> = {};
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      const path = new URL(request.url ?? '', 'http://page').pathname;
      const name = path === '/' ? 'index.html' : path.slice(1);
      if (name === 'config.json') {
        response.setHeader('content-type', 'application/json').end(JSON.stringify(this.config));
        return;
      }
      const type = types[name];
      const content =
        type === undefined ? Promise.reject(new Error()) : readFile(join(repository, 'out/trial-app', name));
      content.then(
        (bytes) => response.setHeader('content-type', type ?? '').end(bytes),
        () => response.writeHead(404).end(),
      );
    });
  }

  static async start(): Promise<PageOrigin> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new PageOrigin(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
