import type { ByteSource } from "./read-file.js";

const windowBytes = 1 << 14;
/** Of the window, before what is asked for: items of a file may stand behind what they speak of. */
const bytesBefore = windowBytes >> 2;

/** The same source with a window of it in memory, so that small parts that stand close together are read at once. */
export function windowedSource(source: ByteSource): ByteSource {
  if (source.memory !== undefined) return source;
  const window = new Uint8Array(windowBytes);
  let [start, end] = [0, 0];
  return {
    ...source,
    read(target, position) {
      const stop = position + target.length;
      if (position < start || stop > end) {
        if (target.length > bytesBefore || stop > source.size) {
          source.read(target, position);
          return;
        }
        const from = Math.max(0, position - bytesBefore);
        const to = Math.min(source.size, from + windowBytes);
        [start, end] = [0, 0];
        source.read(window.subarray(0, to - from), from);
        [start, end] = [from, to];
      }
      target.set(window.subarray(position - start, stop - start));
    },
  };
}
