// The import rules of DESIGN.md, held against the sources as they are, and against samples that break each of them.
// A sample lives in memory: the sources themselves must never hold a forbidden import to prove a point.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readSources, unusedDependencies, violations } from './import-rules.ts';
import { rows, tools, topLevel } from './import-table.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function check(path: string, text: string): string[] {
  return violations([{ path, text }]);
}

describe('the sources', () => {
  const sources = readSources(root);

  it('are found', () => {
    expect(sources.map((file) => file.path)).toContain('shared/contracts/errors.ts');
  });

  it('make no import that the table does not have', () => {
    expect(violations(sources)).toEqual([]);
  });

  it('lie in the folders of the house plan and nowhere else', () => {
    const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const generated = ['node_modules', 'out', 'dist'];
    const visible = folders.map((entry) => entry.name).filter((name) => !name.startsWith('.'));
    expect(visible.filter((name) => !generated.includes(name) && !topLevel.includes(name))).toEqual([]);
  });

  it('leave nothing but configuration at the top level', () => {
    const code = readdirSync(root).filter((name) => /\.(ts|js|mjs|cjs|svelte)$/.test(name));
    expect(code.filter((name) => !/^[a-z]+\.config\.(ts|js)$/.test(name))).toEqual([]);
  });

  it('use every dependency of package.json that is no tool', () => {
    const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as Record<string, object>;
    const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(unusedDependencies(dependencies, sources, Object.keys(tools))).toEqual([]);
    expect(Object.keys(tools).filter((name) => !dependencies.includes(name))).toEqual([]);
  });
});

const forbidden: readonly (readonly [why: string, path: string, text: string, reason: string])[] = [
  [
    'a forbidden arrow',
    'shared/relay/a.ts',
    `import { x } from '../e2ee/tls.ts';`,
    'may not import shared/e2ee',
  ],
  ['a bare import', 'shared/relay/a.ts', `import '../client/login.ts';`, 'may not import shared/client'],
  ['a type-only import', 'shared/relay/a.ts', `import type { X } from '../device/x.ts';`, 'shared/device'],
  ['a re-export', 'shared/net/a.ts', `export * from '../e2ee/tls.ts';`, 'may not import shared/e2ee'],
  ['a dynamic import', 'shared/wire/a.ts', `const m = await import('../net/dial.ts');`, 'shared/net'],
  [
    'an import type',
    'shared/wire/a.ts',
    `let a: import('../net/dial.ts').Link;`,
    'may not import shared/net',
  ],
  [
    'a typeof import',
    'shared/wire/a.ts',
    `let a: typeof import('../net/dial.ts');`,
    'may not import shared/net',
  ],
  ['an import assignment', 'shared/e2ee/a.ts', `import x = require('../net/dial.ts');`, 'shared/net'],
  ['a require', 'shared/e2ee/a.ts', `const x = require('ws');`, 'may not import ws'],
  ['a resolved path', 'shared/e2ee/a.ts', `import.meta.resolve('ws');`, 'may not import ws'],
  ['a computed import', 'electron/cli/a.ts', 'await import(`./${name}.ts`);', 'cannot be checked'],
  ['a template without holes', 'shared/wire/a.ts', 'await import(`../net/dial.ts`);', 'shared/net'],
  [
    'an unknown dependency',
    'electron/core/a.ts',
    `import _ from 'lodash/fp';`,
    'does not know the package lodash',
  ],
  ['an unknown scope', 'electron/core/a.ts', `import a from '@x/y/z';`, 'does not know the package @x/y'],
  ['node:* in wire', 'shared/wire/a.ts', `import { Buffer } from 'node:buffer';`, 'may not import node:*'],
  ['node:* in device', 'shared/device/a.ts', `import 'node:crypto';`, 'may not import node:*'],
  ['a builtin without node:', 'shared/net/a.ts', `import 'fs';`, `'node:fs'`],
  ['contracts from wire', 'shared/wire/a.ts', `import '../contracts/settings.ts';`, 'shared/contracts'],
  ['the client in core', 'electron/core/a.ts', `import '../../shared/client/login.ts';`, 'shared/client'],
  ['the relay in core', 'electron/core/a.ts', `import '../../shared/relay/relay.ts';`, 'shared/relay'],
  ['electron in core', 'electron/core/a.ts', `import { app } from 'electron';`, 'may not import electron'],
  [
    'forge outside certificates',
    'electron/core/app.ts',
    `import 'node-forge';`,
    'electron/core/certificates alone',
  ],
  ['x509 in the inspector', 'electron/core/inspector/a.ts', `import '@peculiar/x509';`, 'certificates alone'],
  ['sqlite outside the inspector', 'electron/core/rpc/a.ts', `import 'better-sqlite3';`, 'inspector alone'],
  ['jose outside devices', 'electron/core/app.ts', `import 'jose';`, 'electron/core/devices alone'],
  ['the desktop in the CLI', 'electron/cli/a.ts', `import '../desktop/main.ts';`, 'electron/desktop'],
  ['features from ui', 'renderer/ui/a.ts', `import '../features/b.ts';`, 'may not import renderer/features'],
  ['api from features', 'renderer/features/a.ts', `import '../api/b.ts';`, 'may not import renderer/api'],
  ['testing in code', 'shared/net/a.ts', `import '../testing/wire.ts';`, 'may not import shared/testing'],
  ['vitest in code', 'shared/net/a.ts', `import { it } from 'vitest';`, 'may not import vitest'],
  ['a test imported', 'shared/net/a.ts', `import './b.test.ts';`, 'no file may import a test'],
  ['the build folder', 'shared/net/a.ts', `import '../../build/x.ts';`, 'no folder of the table'],
  ['a way out of the repository', 'shared/net/a.ts', `import '../../../x.ts';`, 'no folder of the table'],
  ['core from e2e', 'e2e/a.test.ts', `import '../electron/core/app.ts';`, 'may not import electron/core'],
  ['a folder without a row', 'shared/utils/a.ts', `export {};`, 'no row in the table'],
  ['an unknown folder', 'shared/net/a.ts', `import '../utils/a.ts';`, 'no folder of the table'],
  ['a Svelte script', 'renderer/ui/A.svelte', `<script>\nimport '../api/b.ts';\n</script>`, 'renderer/api'],
];

const welcome: readonly (readonly [why: string, path: string, text: string])[] = [
  ['errors from anywhere', 'shared/wire/a.ts', `import { GatehouseError } from '../contracts/errors.ts';`],
  ['a sibling', 'electron/core/rpc/a.ts', `import '../inspector/log.ts';`],
  ['an arrow of the table', 'shared/relay/a.ts', `import '../net/dial.ts';`],
  ['a package of the row', 'shared/relay/a.ts', `import { WebSocketServer } from 'ws';`],
  ['forge in certificates', 'electron/core/certificates/a.ts', `import forge from 'node-forge';`],
  ['testing from a test beside code', 'shared/wire/a.test.ts', `import '../testing/wire.ts';`],
  ['vitest and fast-check from a test', 'shared/wire/a.test.ts', `import 'vitest'; import 'fast-check';`],
  ['built files from e2e', 'e2e/a.test.ts', `import '../out/gatehouse.mjs';`],
  ['the same word in a string', 'shared/wire/a.ts', `const text = "import 'ws'"; // require('ws')`],
];

describe('the import rules', () => {
  it.each(forbidden)('catch %s', (_why, path, text, reason) => {
    const found = check(path, text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(reason);
    expect(found[0]).toContain(path);
  });

  it.each(welcome)('allow %s', (_why, path, text) => {
    expect(check(path, text)).toEqual([]);
  });

  it('name the line of an import', () => {
    expect(check('shared/wire/a.ts', `\n\nimport 'ws';`)[0]).toContain('shared/wire/a.ts:3 ');
  });

  it('name the line of an import in a second Svelte script', () => {
    const text = `<script module>\nlet a;\n</script>\n<p>text</p>\n<script>\nimport 'ws';\n</script>`;
    expect(check('renderer/ui/A.svelte', text)[0]).toContain('A.svelte:6 ');
  });

  it('name only folders that have a row', () => {
    const known = ['out', ...rows.map((row) => row.from)];
    expect(rows.flatMap((row) => row.folders).filter((folder) => !known.includes(folder))).toEqual([]);
  });

  it('report a dependency that nobody imports', () => {
    const files = [{ path: 'shared/net/a.ts', text: `import 'ws';` }];
    expect(unusedDependencies(['ws', '@types/ws', '@types/node', 'left', 'vite'], files, ['vite'])).toEqual([
      'left',
    ]);
  });
});
