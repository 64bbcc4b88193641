// What a test says of the machine that the stand-in pretends to run on: a JSON file named by `--stand-in=FILE`.
import { readFileSync } from 'node:fs';

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface StandInOptions {
  /** A Unix socket, where the test steers. */
  readonly control: string;
  readonly chromium: string;
  readonly locale: string;
  readonly displays: readonly Area[];
  /** Of the key store, as Electron names them. */
  readonly keyStore: string;
  /** Pages never finish loading: the app is quit while its window is still empty. */
  readonly pageHangs: boolean;
}

/** The value of `--name=value`, as Chromium's command line has it; empty where there is none. */
export function switchValue(name: string): string {
  const prefix = `--${name}=`;
  return process.argv.findLast((argument) => argument.startsWith(prefix))?.slice(prefix.length) ?? '';
}

export function hasSwitch(name: string): boolean {
  return process.argv.some((argument) => argument === `--${name}` || argument.startsWith(`--${name}=`));
}

export const options = JSON.parse(readFileSync(switchValue('stand-in'), 'utf8')) as StandInOptions;
export const userData = switchValue('user-data-dir');
