// A file system of a few MiB that really fills up. It needs the right to mount a tmpfs: where that is missing there is
// none, and a spec that needs it says so.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class SmallDisk {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Mounted at `folder`, which is made; null where this user may not. Unmount it before the folder is removed. */
  static mount(folder: string, mib: number): SmallDisk | null {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    try {
      const options = `size=${mib}m,mode=0700`;
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
      return new SmallDisk(folder);
    } catch {
      return null;
    }
  }

  /** Takes all room but `bytes`. */
  fill(bytes: number): void {
    const { bavail, bsize } = statfsSync(this.#folder);
    writeFileSync(this.#ballast, Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  unmount(): void {
    execFileSync('umount', ['--lazy', this.#folder]);
  }

  get #ballast(): string {
    return join(this.#folder, 'ballast');
  }
}
