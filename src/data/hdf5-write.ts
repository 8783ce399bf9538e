import { HalfArrays } from "./hdf5-half.js";
import { freshHdf5Path, hdf5Library, loadHdf5 } from "./hdf5-library.js";

/** An array of an HDF5 file that is written: numbers, or texts of equal length. */
export type Hdf5Array = Hdf5Numbers | readonly string[];
interface Hdf5Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
  /** Written as float16. */
  readonly half?: boolean;
}

/**
 * The bytes of an HDF5 file of arrays, in their order, and texts as attributes of its root group; always the same for the same
 * arrays and texts. Names with slashes stand in groups.
 */
export async function encodeHdf5(
  arrays: Iterable<readonly [string, Hdf5Array]>,
  texts: Readonly<Record<string, string>>,
): Promise<Uint8Array> {
  await loadHdf5();
  const { library, module, birth } = hdf5Library();
  if (birth !== null) birth.growth.most = Infinity;
  const path = freshHdf5Path();
  const halves = new HalfArrays();
  withoutTime(() => {
    const file = new library.File(path, "w");
    try {
      const groups = new Set<string>();
      for (const [name, array] of arrays) {
        for (let at = name.indexOf("/"); at >= 0; at = name.indexOf("/", at + 1)) {
          const group = name.slice(0, at);
          if (!groups.has(group)) file.create_group(group);
          groups.add(group);
        }
        if (!("shape" in array)) {
          const width = Math.max(...array.map((text) => new TextEncoder().encode(text).length)) + 1;
          file.create_dataset({ name, data: [...array], shape: [array.length], dtype: `A${width}` });
          continue;
        }
        const { shape, half, data: given } = array;
        const data = half === true ? halves.marked(Float64Array.from(given)) : given;
        const dtype = data instanceof Float32Array ? "<f" : "<d";
        file.create_dataset({ name, data, shape: [...shape], dtype });
      }
      for (const [name, text] of Object.entries(texts)) file.create_attribute(name, text);
    } finally {
      file.close();
    }
  });
  try {
    const bytes = module.FS.readFile(path);
    halves.putInto(bytes);
    return bytes;
  } finally {
    module.FS.unlink(path);
  }
}

/** The library notes in a file when each array was made, by this clock, and cannot be told not to. */
function withoutTime(write: () => void): void {
  const { now } = Date;
  Date.now = () => 0;
  try {
    write();
  } finally {
    Date.now = now;
  }
}
