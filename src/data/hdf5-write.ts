import { HalfArrays } from "./hdf5-half.js";
import { freshHdf5Path, hdf5Library, loadHdf5 } from "./hdf5-library.js";

/** An array of an HDF5 file that is written. */
export interface Hdf5Array {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
  /** Written as float16. */
  readonly half?: boolean;
}

/**
 * The bytes of an HDF5 file of arrays in its root group, in their order, and texts as attributes of that; always the same for
 * the same arrays and texts.
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
      for (const [name, { shape, half, data: given }] of arrays) {
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
