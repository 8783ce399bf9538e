import fc from "fast-check";
import { parseNpy } from "../../src/data/npy.js";
import { isComplex } from "../../src/data/npy-header.js";
import { mutated } from "./fuzz-reader.js";
import { npyBytes, type FolderSeed } from "./folder-seeds.js";

/** Files by their paths; null stands for a folder where a file belongs. */
export type Tree = Map<string, Uint8Array | null>;

/** One change of a data set: which file, what happens to it, and a number for what. */
export interface FolderChange {
  readonly file: number;
  readonly what: number;
  readonly value: number;
}

const words = [
  "", "0", "1 2", "-1", "-2147483649", "0.5", "1e3", "99999999999999999999", "nan", "0\u0000", "\uFEFF0 1", "0\r\n1\r\n", "O O", "Nb", "Xx H O", "é 水",
  "H\nO\nNb\nMo\nTa\nW\nC\nN\n", "__proto__", "0 ".repeat(5000), "7\n".repeat(40), "type",
]; // prettier-ignore
const extremes = [NaN, Infinity, -Infinity, 0, -0, 1e300, -1e300, 1e-300, 1e20, 1e9, 5e-324, 1e-8, 0.1];
const dtypes = ["<f2", "<f4", ">f8", "<i4", "<i8", "|i1", "|b1", "<c16", "|O", "<U4", "|S3", "<f16", "", "float64", "[('a', '<f8')]"]; // prettier-ignore
const shapes = [
  "()", "(1,)", "(0,)", "(0, 9)", "(3,)", "(9, 3)", "(1, 1, 9)", "(4294967296, 4294967296)", "(-1, 9)", "(1e3, 9)", "(3, 9, )", "(True, 9)", "(9007199254740993,)",
  "(3, 3, 3)", "(2, 9)", "(1,) * 99", "(" + "1, ".repeat(40) + ")", "None", "(3 9)",
]; // prettier-ignore
/** Names of files that sets can have. */
const stems = ["coord", "box", "energy", "force", "virial", "atom_ener", "atomic_ener", "atom_pref", "fparam", "aparam", "real_atom_types", "dipole"]; // prettier-ignore

const change = fc.record<FolderChange>({
  file: fc.nat(0xffff),
  what: fc.nat(15),
  value: fc.nat(0xffffff),
});

/** Which seed, its changes, and how the data are used. */
export const folderInput = fc.record({
  seed: fc.nat(0xffff),
  use: fc.nat(3),
  changes: fc.array(change, { minLength: 1, maxLength: 3 }),
});

/** The files of a data set after all changes. */
export function changedTree(seed: FolderSeed, changes: readonly FolderChange[]): Tree {
  const tree: Tree = new Map(seed.files);
  for (const one of changes) apply(tree, seed, one);
  return tree;
}

function apply(tree: Tree, { kind, path }: FolderSeed, { file, what, value }: FolderChange): void {
  const paths = [...tree.keys()];
  if (paths.length === 0) return;
  const at = paths[file % paths.length];
  const bytes = tree.get(at) ?? new Uint8Array(0);
  const isArray = at.endsWith(".npy");
  if (what === 0) tree.delete(at);
  else if (what === 1) tree.set(at, bytes.subarray(0, value % (bytes.length + 1)));
  else if (what === 2 || kind !== "folder")
    tree.set(at, mutated(bytes, [{ at: (value % 4096) / 4096, what: value % 12, value: value >> 8 }]));
  else if (what === 3) tree.set(at, tree.get(paths[value % paths.length]) ?? null);
  else if (what === 4) tree.set(at, null);
  else if (what === 5) toggle(tree, `${path}/nopbc`, value);
  else if (what === 6) addSet(tree, path, at, value);
  else if (what === 7) rename(tree, at, value);
  else if (what === 8 && isArray) tree.set(at.replace(/[^/]*$/, `${stems[value % stems.length]}.npy`), bytes);
  else if (isArray && what < 12) tree.set(at, withHeader(bytes, what, value));
  else if (isArray) tree.set(at, withNumbers(bytes, at, value));
  else tree.set(at, new TextEncoder().encode(words[value % words.length]));
}

function toggle(tree: Tree, path: string, value: number): void {
  if (tree.has(path)) tree.delete(path);
  else tree.set(path, value % 4 === 0 ? null : new Uint8Array(value % 3));
}

/** A set with some or all of the files of another. */
function addSet(tree: Tree, path: string, at: string, value: number): void {
  const set = /\/(set\.[^/]*)\//.exec(at)?.[1];
  const name = ["set.001", "set.999999", "set.", "set.a b"][value % 4];
  if (set === undefined) tree.set(`${path}/${name}`, new Uint8Array(3));
  else
    for (const [file, bytes] of [...tree])
      if (file.includes(`/${set}/`) && (value >> 4) % 3 !== file.length % 3)
        tree.set(file.replace(set, name), bytes);
}

function rename(tree: Tree, at: string, value: number): void {
  const bytes = tree.get(at) ?? null;
  tree.delete(at);
  const name = ["TYPE.RAW", "coord", "coord.NPY", "set.000.npy", "../x.npy", "énergie.npy"][value % 6];
  if (!name.startsWith("..")) tree.set(at.replace(/[^/]*$/, name), bytes);
}

/** Another header before the same numbers. */
function withHeader(bytes: Uint8Array, what: number, value: number): Uint8Array {
  if (bytes.length < 12) return bytes;
  const length = 10 + bytes[8] + 256 * bytes[9];
  let text = new TextDecoder("latin1").decode(bytes.subarray(10, length)).trimEnd();
  const rest = bytes.subarray(length);
  if (what === 9) text = text.replace(/'descr': '[^']*'/, `'descr': ${described(value)}`);
  else if (what === 10)
    text = text.replace(/'shape': \([^)]*\)/, `'shape': ${shapes[value % shapes.length]}`);
  else if (value % 4 === 0) text = text.replace("False", "True");
  else if (value % 4 === 1) return Uint8Array.of(...bytes.subarray(0, 6), value % 5, ...bytes.subarray(7));
  else if (value % 4 === 2)
    return Uint8Array.of(...bytes.subarray(0, 8), value & 255, (value >> 8) & 255, ...bytes.subarray(10));
  else text = text.slice(0, value % text.length);
  const padded = new TextEncoder().encode(`${text}\n`);
  return new Uint8Array(
    Buffer.concat([bytes.subarray(0, 8), Buffer.of(padded.length & 255, padded.length >> 8), padded, rest]),
  );
}

function described(value: number): string {
  const dtype = dtypes[value % dtypes.length];
  return dtype.startsWith("[") ? dtype : `'${dtype}'`;
}

/** Other numbers, in the same or another number of rows. */
function withNumbers(bytes: Uint8Array, at: string, value: number): Uint8Array {
  let array;
  try {
    array = parseNpy(bytes, at);
  } catch {
    return bytes;
  }
  if (isComplex(array.dtype)) return bytes;
  const data = Float64Array.from(array.data as ArrayLike<number | bigint>, Number);
  const extreme = extremes[value % extremes.length];
  const kind = (value >> 8) % 6;
  if (kind === 0) data[(value >> 12) % (data.length || 1)] = extreme;
  else if (kind === 1) data.fill(extreme);
  else if (kind === 2) data.forEach((x, k) => (data[k] = x * extreme));
  else if (kind === 3) data.copyWithin(3, 0, 3);
  else if (kind === 4) data.reverse();
  else {
    const rows = [0, 1, 2, 5][(value >> 12) % 4];
    const width = array.shape.slice(1).reduce((a, b) => a * b, 1);
    return npyBytes([rows, ...array.shape.slice(1)], new Float64Array(rows * width).map((_, k) => data[k % data.length])); // prettier-ignore
  }
  if (at.endsWith("types.npy") && (value >> 12) % 2 === 0)
    return npyBytes(
      array.shape,
      Int32Array.from(data, (x) => (Number.isFinite(x) ? x : -1)),
    );
  return npyBytes(array.shape, data);
}
