import { type Hdf5Array, encodeHdf5 } from "../../../data/hdf5-write.js";
import { type Hdf5File, loadHdf5, withHdf5Source } from "../../../data/hdf5.js";
import { memorySource } from "../../../data/read-file.js";
import { AtomgradError } from "../../../tensor/error.js";
import { jsonText } from "./json-text.js";
import { isArray, isSection } from "./tree.js";
import type { NdArray, Tree, TreeSection } from "./tree.js";

/** Bytes all arrays of a model may have together, as float64. */
const maxArrayBytes = 1 << 28;
const maxTextBytes = 1 << 26;
const maxDepth = 64;

/**
 * Reads a `.dp` model of DeePMD-kit: an HDF5 file whose attribute `json` is the tree; inside `@variables` stand the
 * names of datasets. No path in the file leads anywhere.
 *
 * @throws AtomgradError FORMAT when the file is damaged, a dataset is missing, or an array exceeds the file
 */
export async function parseDpTree(bytes: Uint8Array, name: string): Promise<Tree> {
  await loadHdf5();
  const [tree] = withHdf5Source(memorySource(bytes, name), (file) => [new DpReader(file, name).read()]);
  return tree;
}

/** The bytes of a `.dp` model: every array inside `@variables` becomes a dataset. */
export async function formatDpTree(tree: Tree): Promise<Uint8Array> {
  const arrays: [string, Hdf5Array][] = [];
  const store = ({ dtype, shape, data }: NdArray): string => {
    if (dtype !== "float16" && dtype !== "float32" && dtype !== "float64")
      throw new AtomgradError("DTYPE", `.dp models hold float16, float32 and float64 arrays; found ${dtype}`);
    const name = `variable_${String(arrays.length).padStart(4, "0")}`;
    const half = dtype === "float16";
    arrays.push([name, { shape, half, data: dtype === "float32" ? Float32Array.from(data) : data }]);
    return name;
  };
  const json = jsonText(withNames(tree, false, store));
  return encodeHdf5(arrays, { json });
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
    private readonly file: Hdf5File,
    private readonly name: string,
  ) {}

  read(): Tree {
    const text = this.file.textAttribute("json", maxTextBytes);
    if (text === null)
      throw this.bad(
        'it has no text as attribute "json", so it is no model of DeePMD-kit (or one too large)',
      );
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
    const parts = dataset.split("/").filter((part) => part !== "");
    const entry = this.file.dataset(parts.slice(0, -1).join("/"), parts.at(-1) ?? "");
    if (entry === null)
      throw this.bad(`${path} names the dataset ${JSON.stringify(dataset.slice(0, 60))}, which is missing`);
    const { shape, dtype } = entry;
    if (dtype === null) throw this.bad(`${path} is not an array of numbers`);
    const count = shape.reduce((product, extent) => product * extent, 1);
    this.bytes += 8 * count;
    if (this.bytes > maxArrayBytes)
      throw this.bad(`${path} announces ${count} numbers, more than a model may have`);
    const data = entry.numbers();
    if (data.length !== count)
      throw this.bad(`${path} holds ${data.length} numbers, its shape asks for ${count}`);
    const array = { dtype, shape, data };
    this.arrays.set(dataset, array);
    return array;
  }
}
