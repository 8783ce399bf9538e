import { crcOf } from "../crc.js";

const crc32c = crcOf(0x82f63b78);

/** As LevelDB and TensorFlow store it: rotated, with a constant added, so that checksums of checksums differ. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
