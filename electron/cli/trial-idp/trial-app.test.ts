// The server of the example app: loopback alone, named files alone, under a strict policy, and its configuration.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTrialApp } from './trial-app.ts';
import type { TrialApp } from './trial-app.ts';

const listen = { host: '127.0.0.1', port: 0 };
const config = {
  relay: 'http://127.0.0.1:8080',
  issuer: 'http://127.0.0.1:8082',
  clientId: 'gatehouse-trial',
};

let folder: string;
let app: TrialApp;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-app-'));
  await mkdir(join(folder, 'app'));
  await writeFile(join(folder, 'app', 'index.html'), '<!doctype html><p>app</p>');
  await writeFile(join(folder, 'app', 'app.js'), 'export {};');
  await writeFile(join(folder, 'app', 'app.js.map'), '{}');
  await writeFile(join(folder, 'secret.html'), 'secret');
  app = await startTrialApp(listen, join(folder, 'app'));
});

afterEach(async () => {
  await app.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The path goes out as it is. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname: host, port } = new URL(app.url);
    const sending = request({ host, port, path, method, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    sending.on('error', reject);
    sending.end();
  });
}

describe('the trial’s app', () => {
  it('is not there before it knows its relay', async () => {
    expect((await get('/')).status).toBe(503);
    app.configure(config);
    expect((await get('/')).status).toBe(200);
  });

  it('is its files and its configuration, whatever the query, and nothing else', async () => {
    app.configure(config);
    expect((await get('/?code=abc&state=def')).body).toContain('app');
    expect((await get('/app.js')).headers['content-type']).toContain('javascript');
    expect(JSON.parse((await get('/config.json')).body)).toEqual(config);
    for (const path of [
      '/../secret.html',
      '/%2e%2e/secret.html',
      '/..%2fsecret.html',
      '/app.js.map',
      '/app.js/',
      '//',
    ]) {
      expect((await get(path)).status).toBe(404);
    }
    expect((await get('/', {}, 'POST')).status).toBe(405);
  });

  it('runs under a policy that lets it speak to the relay and the issuer alone', async () => {
    app.configure(config);
    const { headers } = await get('/');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("connect-src 'self' http://127.0.0.1:8080 http://127.0.0.1:8082;");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
  });

  it('answers to its own name alone', async () => {
    app.configure(config);
    expect((await get('/', { host: 'evil.example' })).status).toBe(421);
  });

  it('is served on loopback alone, and only where it was built', async () => {
    await expect(startTrialApp({ host: '0.0.0.0', port: 0 }, join(folder, 'app'))).rejects.toMatchObject({
      code: 'usage',
    });
    await expect(startTrialApp(listen, join(folder, 'none'))).rejects.toMatchObject({ code: 'usage' });
  });
});
