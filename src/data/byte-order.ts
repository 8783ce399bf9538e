/** Whether this machine stores the low byte of a number first, as nearly all do. */
export const hostIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Reverses the bytes of every item of `itemBytes` bytes, in place. */
export function swapBytes(bytes: Uint8Array, itemBytes: number): void {
  for (let start = 0; start < bytes.length; start += itemBytes)
    bytes.subarray(start, start + itemBytes).reverse();
}
