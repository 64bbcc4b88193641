import type { FileHandle } from 'node:fs/promises';

/**
 * Writes all of `bytes` at `position`. A disk that fills up takes a part of what it is given, and refuses only what comes
 * behind that: who does not go on takes a cut file for a whole one.
 * @throws Error a system error, with a part of `bytes` written
 */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}
