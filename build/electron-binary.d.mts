// Types of electron-binary.mjs, for its test.
export function hasDisplay(env: Readonly<Record<string, string | undefined>>, platform: string): boolean;
export function electronBinary(
  packageFolder: string,
  env?: Readonly<Record<string, string | undefined>>,
): string | null;
export function fetchElectron(
  packageFolder: string,
  say: (text: string) => void,
  patienceMs?: number,
): Promise<string | null>;
