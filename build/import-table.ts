// DESIGN.md's table "who may import whom", as data: one row a line of the table, in its order.
// The table is the house plan, with what building it has taught: valibot may parse at every edge that takes strangers'
// bytes, and `shared/storage`, `shared/oidc` and `shared/testing` have rows of their own. Reading this file must be enough
// to know what is allowed, so it holds no logic.

export interface Row {
  /** The folder that this row is about; the deepest row that holds a file is the file's. */
  readonly from: string;
  /** Folders that it may import, beside itself and `contracts/errors`, which is open to all. */
  readonly folders: readonly string[];
  /** npm packages that it may import. */
  readonly packages: readonly string[];
  /** Whether it may import `node:*`. */
  readonly node: boolean;
}

/** A room inside a row's folder, with packages that are allowed there and nowhere else in it. */
export interface Room {
  readonly in: string;
  readonly packages: readonly string[];
}

const contracts = 'shared/contracts';
const wire = 'shared/wire';
const net = 'shared/net';
const e2ee = 'shared/e2ee';
const device = 'shared/device';
const storage = 'shared/storage';
const oidc = 'shared/oidc';
const client = 'shared/client';
const relay = 'shared/relay';
const core = 'electron/core';
const headless = 'electron/headless';
const testing = 'shared/testing';
const i18n = 'renderer/i18n';

/** Svelte and its UI libraries, as DESIGN.md lists them. */
const ui = ['svelte', 'bits-ui', '@lucide/svelte', 'svelte-sonner', 'uplot', 'uqr', '@scure/bip39'];

const busDriver = '@nats-io/transport-node';

export const rows: readonly Row[] = [
  { from: contracts, folders: [], packages: ['valibot', '@scure/bip39'], node: false },
  { from: wire, folders: [], packages: [], node: false },
  { from: net, folders: [wire, contracts], packages: ['ws', 'bufferutil', 'valibot'], node: true },
  { from: e2ee, folders: [contracts], packages: [], node: true },
  { from: device, folders: [contracts], packages: [], node: false },
  { from: 'shared/device/example', folders: [device, contracts], packages: [], node: false },
  { from: storage, folders: [], packages: [], node: true },
  // Whose access token it is: asked by the relay, and again by the service, which must not take its word.
  { from: oidc, folders: [net, contracts], packages: ['jose', 'valibot'], node: true },
  {
    from: client,
    folders: [net, e2ee, device, contracts, storage],
    packages: ['openid-client', 'valibot'],
    node: true,
  },
  {
    from: relay,
    folders: [net, wire, contracts, storage, oidc],
    packages: ['ws', 'prom-client', 'pino', 'valibot', busDriver],
    node: true,
  },
  {
    from: core,
    folders: [contracts, wire, net, e2ee, device, storage, oidc],
    packages: ['pino', 'valibot'],
    node: true,
  },
  {
    // Node as in headless: it reads the page's files, and keeps the window's place and the sealed password.
    from: 'electron/desktop',
    folders: [core, contracts, storage],
    packages: ['electron', 'pino', 'valibot'],
    node: true,
  },
  { from: 'electron/preload', folders: [contracts], packages: ['electron'], node: false },
  { from: headless, folders: [core, contracts, storage], packages: ['ws', 'pino'], node: true },
  {
    // Everything that ships but desktop, preload and renderer.
    from: 'electron/cli',
    folders: [contracts, wire, net, e2ee, device, storage, client, relay, core, headless],
    packages: ['commander', 'pino'],
    node: true,
  },
  {
    from: 'renderer',
    folders: [contracts, 'renderer/api', 'renderer/state', 'renderer/features', 'renderer/ui', i18n],
    packages: ui,
    node: false,
  },
  { from: i18n, folders: [contracts], packages: ui, node: false },
  { from: 'renderer/api', folders: [contracts], packages: ui, node: false },
  { from: 'renderer/state', folders: ['renderer/api', contracts, i18n], packages: ui, node: false },
  {
    from: 'renderer/features',
    folders: ['renderer/state', 'renderer/ui', contracts, i18n],
    packages: ui,
    node: false,
  },
  { from: 'renderer/ui', folders: [contracts, i18n], packages: ui, node: false },
  {
    // Not in DESIGN.md's table: what its subjects need. No row may name it but e2e's; tests beside code may use it.
    from: testing,
    folders: [wire, net, contracts, e2ee, device, storage, relay, client],
    packages: ['ws', '@chainsafe/libp2p-yamux', 'vitest', 'fast-check'],
    node: true,
  },
  {
    from: 'e2e',
    folders: ['out', contracts, client, device, testing],
    packages: ['ws', 'vitest', 'fast-check', '@playwright/test', '@axe-core/playwright', 'jsqr'],
    node: true,
  },
];

export const rooms: readonly Room[] = [
  { in: `${core}/certificates`, packages: ['node-forge', '@peculiar/x509', 'reflect-metadata'] },
  { in: `${core}/inspector`, packages: ['better-sqlite3'] },
  { in: `${core}/devices`, packages: ['jose'] },
  // The provider of `gatehouse relay --trial-idp`: a real one, for trials and tests.
  { in: 'electron/cli/trial-idp', packages: ['oidc-provider', 'valibot'] },
];

/** The one module that every folder may import. */
export const openToAll = `${contracts}/errors.ts`;

/** `*.test.ts` beside code: what its folder may, and these. */
export const beside = { folders: [testing], packages: ['vitest', 'fast-check'] };

/** Folders of code at the top level. `build/` makes the others and is imported by none of them. */
export const topLevel = ['build', 'e2e', 'electron', 'renderer', 'shared'];

/** Dependencies in package.json that no source imports, and why they are there. */
export const tools: Readonly<Record<string, string>> = {
  '@inlang/paraglide-js': 'build/messages.mjs',
  '@inlang/plugin-message-format': 'build/messages.mjs, through renderer/project.inlang',
  '@sveltejs/vite-plugin-svelte': 'build/renderer-config.mjs',
  electron: 'npm start, and the types of electron/desktop',
  'electron-builder': 'npm run dist',
  'eslint-plugin-svelte': 'eslint.config.js',
  'prettier-plugin-svelte': 'npm run format',
  'svelte-check': 'npm run check',
  eslint: 'npm run lint',
  node: 'the pinned Node that runs everything',
  prettier: 'npm run format',
  rolldown: 'build/bundle.mjs',
  typescript: 'the type check, and build/imports-of.ts',
  'typescript-eslint': 'eslint.config.js',
  vite: 'Vitest transforms with it',
};
