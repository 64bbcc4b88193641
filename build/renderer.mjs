// Builds the console's page into a folder. Usage: node build/renderer.mjs FOLDER (build/ensure.mjs calls it, after
// build/messages.mjs has compiled the messages).
import { resolve } from 'node:path';
import { build } from 'vite';
import { rendererConfig } from './renderer-config.mjs';

const folder = process.argv[2];
if (folder === undefined) throw new Error('Name the folder to build into: node build/renderer.mjs FOLDER');
await build(rendererConfig(resolve(folder)));
