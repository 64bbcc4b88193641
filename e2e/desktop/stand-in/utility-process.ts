// `utilityProcess`: a Node process of its own that ends with this one, as Electron's utility processes do.
import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';

/** Electron ends its children itself; a plain process ends when the pipe to its stdin closes. */
const endWithParent =
  'data:text/javascript,process.stdin.on("close",()=>process.exit(1)).resume();process.stdin.unref()';

class UtilityProcess extends EventEmitter {
  readonly #child;

  constructor(program: string, args: readonly string[]) {
    super();
    this.#child = spawn(process.execPath, ['--import', endWithParent, program, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.once('exit', (code) => this.emit('exit', code ?? 1));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get stdout(): NodeJS.ReadableStream {
    return this.#child.stdout;
  }

  kill(): boolean {
    return this.#child.kill('SIGTERM');
  }
}

export const utilityProcess = {
  fork: (program: string, args: readonly string[] = []) => new UtilityProcess(program, args),
};
