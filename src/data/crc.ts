/**
 * A cyclic redundancy check of 32 bits, least significant bit first, all bits inverted before and after. Its tables are made
 * at first use. Four bytes at a time go through a table each ("slicing", Kounavis and Berry 2008).
 *
 * @param polynomial in reversed bit order: 0xedb88320 of zip, gzip and png, 0x82f63b78 (Castagnoli) of LevelDB and TensorFlow
 */
export function crcOf(polynomial: number): (bytes: Uint8Array) => number {
  let tables: Int32Array | undefined;
  return (bytes) => {
    const t = (tables ??= remainders(polynomial));
    const sliced = bytes.length & ~3;
    let crc = -1;
    let at = 0;
    for (; at < sliced; at += 4) {
      crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
      crc =
        t[768 | (crc & 255)] ^ t[512 | ((crc >>> 8) & 255)] ^ t[256 | ((crc >>> 16) & 255)] ^ t[crc >>> 24];
    }
    for (; at < bytes.length; at++) crc = t[(crc ^ bytes[at]) & 255] ^ (crc >>> 8);
    return ~crc >>> 0;
  };
}

/** Of every byte, and of every byte with one, two and three zero bytes behind it. */
function remainders(polynomial: number): Int32Array {
  const tables = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? polynomial ^ (value >>> 1) : value >>> 1;
    tables[byte] = value;
  }
  for (let k = 256; k < tables.length; k++)
    tables[k] = tables[tables[k - 256] & 255] ^ (tables[k - 256] >>> 8);
  return tables;
}
