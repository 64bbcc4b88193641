// How Vite makes the console's page: one folder with index.html and hashed assets, for a strict Content Security Policy
// (no inline script or style, nothing from elsewhere). The build and the tests share it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Svelte components with runes everywhere; their styles become files. */
export const plugins = () => [svelte({ configFile: false })];

/** @param {string} outDir where index.html lands */
export function rendererConfig(outDir) {
  return {
    configFile: false,
    root: join(root, 'renderer'),
    base: './',
    publicDir: false,
    logLevel: 'warn',
    plugins: plugins(),
    build: {
      outDir,
      emptyOutDir: true,
      target: 'chrome140',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      sourcemap: true,
      reportCompressedSize: false,
    },
  };
}
