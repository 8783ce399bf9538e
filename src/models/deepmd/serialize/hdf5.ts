import type * as h5wasm from "h5wasm";
import { AtomgradError } from "../../../tensor/error.js";
import { jsonText } from "./json-text.js";
import { isArray, isSection } from "./tree.js";
import type { NdArray, Tree, TreeSection } from "./tree.js";

type Library = typeof h5wasm;
type Module = Awaited<Library["ready"]>;

/** Bytes all arrays of a model may have together. */
const maxArrayBytes = 1 << 28;
const maxTextBytes = 1 << 26;
const maxDepth = 64;

const reals: Readonly<Record<number, string>> = { 2: "float16", 4: "float32", 8: "float64" };
let fileNumber = 0;

/**
 * Reads a `.dp` model of DeePMD-kit: an HDF5 file whose attribute `json` is the tree; inside `@variables` stand the
 * names of datasets. The file is opened in memory, so no path in it leads anywhere.
 *
 * @throws AtomgradError FORMAT when the file is damaged, a dataset is missing, or an array exceeds the file
 */
export async function parseDpTree(bytes: Uint8Array, name: string): Promise<Tree> {
  return withLibrary((library, module) => {
    const path = `/model-${fileNumber++}.dp`;
    module.FS.writeFile(path, bytes);
    let file: h5wasm.File | null = null;
    try {
      file = new library.File(path, "r");
      return new DpReader(library, file, bytes.length, name).read();
    } catch (error) {
      if (error instanceof AtomgradError) throw error;
      throw new AtomgradError(
        "FORMAT",
        `${name}: not a readable HDF5 file (.dp model): it is damaged or of another kind`,
        {
          cause: error,
        },
      );
    } finally {
      closeQuietly(file);
      module.FS.unlink(path);
    }
  });
}

/** The bytes of a `.dp` model: every array inside `@variables` becomes a dataset. */
export async function formatDpTree(tree: Tree): Promise<Uint8Array> {
  return withLibrary((library, module) => {
    const path = `/model-${fileNumber++}.dp`;
    const file = new library.File(path, "w");
    try {
      let count = 0;
      const store = (array: NdArray): string => {
        const dataset = `variable_${String(count++).padStart(4, "0")}`;
        const single = array.dtype === "float32";
        if (!single && array.dtype !== "float64") {
          throw new AtomgradError(
            "DTYPE",
            `.dp models hold float32 and float64 arrays; found ${array.dtype}`,
          );
        }
        const data = single ? Float32Array.from(array.data) : array.data;
        file.create_dataset({ name: dataset, data, shape: [...array.shape], dtype: single ? "<f" : "<d" });
        return dataset;
      };
      file.create_attribute("json", jsonText(withNames(tree, false, store)));
      file.close();
      return module.FS.readFile(path);
    } finally {
      closeQuietly(file);
      module.FS.unlink(path);
    }
  });
}

/** Loads the HDF5 library when it is first needed; its errors are thrown instead of printed while `use` runs. */
async function withLibrary<T>(use: (library: Library, module: Module) => T): Promise<T> {
  const library = await import("h5wasm");
  const module = await library.ready;
  module.activate_throwing_error_handler();
  try {
    return use(library, module);
  } finally {
    module.deactivate_throwing_error_handler();
  }
}

function closeQuietly(file: h5wasm.File | null): void {
  try {
    if (file !== null && file.file_id > 0n) file.close();
  } catch {
    return;
  }
}

function withNames(tree: Tree, inVariables: boolean, store: (array: NdArray) => string): unknown {
  if (isArray(tree)) {
    if (inVariables) return store(tree);
    throw new AtomgradError("VALUE", "arrays of a .dp model must stand inside @variables");
  }
  if (Array.isArray(tree)) return tree.map((item: Tree) => withNames(item, inVariables, store));
  if (!isSection(tree)) return tree;
  const entries = Object.entries(tree).map(([key, item]) => [
    key,
    withNames(item, inVariables || key === "@variables", store),
  ]);
  return Object.fromEntries(entries) as unknown;
}

class DpReader {
  private readonly arrays = new Map<string, NdArray>();
  private bytes = 0;

  constructor(
    private readonly library: Library,
    private readonly file: h5wasm.File,
    private readonly fileBytes: number,
    private readonly name: string,
  ) {}

  read(): Tree {
    const attribute = this.file.attrs.json;
    if (attribute === undefined)
      throw this.bad('it has no attribute "json", so it is no model of DeePMD-kit');
    const { vlen, size, total_size: total } = attribute.metadata;
    if (!vlen && size * (total ?? 1) > maxTextBytes) throw this.bad('its attribute "json" is too large');
    const text: unknown = attribute.value;
    if (typeof text !== "string" || text.length > maxTextBytes)
      throw this.bad('its attribute "json" is not a text');
    let tree: unknown;
    try {
      tree = JSON.parse(text);
    } catch (error) {
      throw this.bad(`its attribute "json" is not JSON (${(error as Error).message.slice(0, 80)})`);
    }
    return this.decode(tree as Tree, false, "", 0);
  }

  private bad(what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.name}: not a readable .dp model: ${what}`);
  }

  private decode(tree: Tree, inVariables: boolean, path: string, depth: number): Tree {
    if (depth > maxDepth) throw this.bad(`its tree is more than ${maxDepth} levels deep`);
    if (typeof tree === "string" && inVariables) return this.array(tree, path);
    if (Array.isArray(tree)) {
      return tree.map((item: Tree, k) => this.decode(item, inVariables, `${path}[${k}]`, depth + 1));
    }
    if (typeof tree !== "object" || tree === null) return tree;
    const entries = Object.entries(tree as TreeSection).map(([key, item]) => {
      const here = path === "" ? key : `${path}.${key}`;
      return [key, this.decode(item, inVariables || key === "@variables", here, depth + 1)] as const;
    });
    return Object.fromEntries(entries);
  }

  private array(dataset: string, path: string): NdArray {
    const known = this.arrays.get(dataset);
    if (known !== undefined) return known;
    const entry = this.open(dataset, path);
    const { metadata } = entry;
    const shape = metadata.shape ?? [];
    const count = shape.reduce((product, extent) => product * extent, 1);
    this.checkSize(metadata, count, path);
    const array = {
      dtype: this.typeOf(metadata, path),
      shape,
      data: toFloat64(count === 0 ? [] : entry.value),
    };
    if (array.data.length !== count)
      throw this.bad(`${path} holds ${array.data.length} numbers, its shape asks for ${count}`);
    this.arrays.set(dataset, array);
    return array;
  }

  private open(dataset: string, path: string): h5wasm.Dataset {
    const shown = JSON.stringify(dataset.slice(0, 60));
    let entry: unknown;
    try {
      entry = this.file.get(dataset);
    } catch {
      throw this.bad(`${path} names the dataset ${shown}, which cannot be opened`);
    }
    if (entry instanceof this.library.Dataset) return entry;
    throw this.bad(`${path} names the dataset ${shown}, which is missing`);
  }

  /** Plain datasets cannot be larger than the file; packed ones can, up to the limit for a model. */
  private checkSize(metadata: h5wasm.Metadata, count: number, path: string): void {
    this.bytes += count * metadata.size;
    const limit = metadata.chunks === null ? Math.min(this.fileBytes, maxArrayBytes) : maxArrayBytes;
    if (!(count * metadata.size <= limit && this.bytes <= maxArrayBytes)) {
      throw this.bad(`${path} announces ${count} numbers, more than the file can hold`);
    }
  }

  private typeOf({ type, size, signed, vlen }: h5wasm.Metadata, path: string): string {
    const real = type === 1 ? reals[size] : undefined;
    if (real !== undefined && size > 2) return real;
    if (type === 0 && !vlen && [1, 2, 4, 8].includes(size)) return `${signed ? "int" : "uint"}${8 * size}`;
    throw this.bad(`${path} is not an array of numbers`);
  }
}

function toFloat64(value: unknown): Float64Array {
  if (typeof value === "number" || typeof value === "bigint") return Float64Array.of(Number(value));
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return Float64Array.from(value as ArrayLike<number | bigint>, Number);
  return new Float64Array(0);
}
