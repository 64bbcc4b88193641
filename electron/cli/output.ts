// What a command prints: results on stdout (a line of JSON with --json), everything else on stderr.
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import type { Preparing } from '../../shared/device/index.ts';
import { exitCodeOf } from './exit-codes.ts';

export interface OutputOptions {
  readonly json?: boolean;
}

/** One line of JSON on stdout with --json, else `lines` for a person. */
export function printResult(value: unknown, lines: readonly string[], options: OutputOptions): void {
  const text = options.json === true ? JSON.stringify(value) : lines.join('\n');
  process.stdout.write(`${text}\n`);
}

/** A remark for the person at the terminal; never mixed into the result. */
export function printNote(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** That a service still prepares a document, and how far it is. */
export function notePreparing({ done, total }: Preparing): void {
  const share = total === 0 ? 0 : Math.floor((done / total) * 100);
  printNote(`preparing  ${String(share)} %  the service has read ${String(done)} of ${String(total)} bytes`);
}

/** Prints the error (with --json as a line `{"error":{code,message,details?}}` on stdout) and sets the exit code. */
export function printError(error: unknown, options: OutputOptions): void {
  const coded = asGatehouseError(error);
  if (options.json === true) process.stdout.write(`${JSON.stringify({ error: coded })}\n`);
  else printNote(`gatehouse: ${coded.message} [${coded.code}]`);
  process.exitCode = exitCodeOf(coded.code);
}

/** A table as the seed prints them: names padded to the longest, a rule above and below. */
export function formatTable(rows: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  const valueWidth = Math.max(...rows.map(([, value]) => value.length));
  const rule = `${'-'.repeat(width)}  ${'-'.repeat(valueWidth)}`;
  return [rule, ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`), rule];
}

/** Runs a command's action: any error is printed with its code and ends in the exit code that belongs to it. */
export function runAction(options: OutputOptions, action: () => Promise<void>): Promise<void> {
  return action().catch((error: unknown) => {
    printError(error, options);
  });
}
