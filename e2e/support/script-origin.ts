// A page that does nothing but run one script of ours, from an origin of its own on loopback, as a real app's would be.
// The script is bundled for the browser from its source.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from './home.ts';

const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';

export class ScriptOrigin {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `entry` is the script's path from the repository on. */
  static async start(entry: string): Promise<ScriptOrigin> {
    const script = bundled(entry);
    const server = createServer((request, response) => {
      const isScript = request.url === '/page.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? script : html);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ScriptOrigin(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function bundled(entry: string): string {
  const scratch = mkdtempSync(join(tmpdir(), 'gatehouse-script-'));
  try {
    const file = join(scratch, 'page.js');
    execFileSync(process.execPath, [
      join(repository, 'build/device-page.mjs'),
      join(repository, entry),
      file,
    ]);
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
