// Types of renderer-config.mjs, for the TypeScript files that share it.
import type { InlineConfig, PluginOption } from 'vite';

export const root: string;
export function plugins(): PluginOption[];
export function rendererConfig(outDir: string): InlineConfig;
