/**
 * A cyclic redundancy check of 32 bits, least significant bit first, all bits inverted before and after. Its table of 256
 * words is made at first use.
 *
 * @param polynomial in reversed bit order: 0xedb88320 of zip, gzip and png, 0x82f63b78 (Castagnoli) of LevelDB and TensorFlow
 */
export function crcOf(polynomial: number): (bytes: Uint8Array) => number {
  let table: Uint32Array | undefined;
  return (bytes) => {
    table ??= remainders(polynomial);
    let crc = 0xffffffff;
    for (const byte of bytes) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
    return ~crc >>> 0;
  };
}

function remainders(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? polynomial ^ (value >>> 1) : value >>> 1;
    return value;
  });
}
