// bufferutil has no types of its own.
declare module 'bufferutil' {
  const bufferUtil: {
    /** `output[offset + i] = source[i] ^ mask[i % 4]` for `length` bytes. */
    mask(source: Uint8Array, mask: Uint8Array, output: Uint8Array, offset: number, length: number): void;
  };
  export default bufferUtil;
}
