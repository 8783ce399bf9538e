/** Bytes that are looked at. */
const enough = 64;

/** Whether bytes begin as UTF-16: with its byte order mark, or with letters that have a zero byte each, all on one side. */
export function isUtf16(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  const start = bytes.subarray(0, enough);
  const zerosAt = (side: number): boolean => start.every((byte, k) => (byte === 0) === (k % 2 === side));
  return start.length >= 4 && (zerosAt(1) || zerosAt(0));
}
