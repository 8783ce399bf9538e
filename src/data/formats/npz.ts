import { AtomgradError } from "../../tensor/error.js";
import { looksPerAtom } from "../looks-per-atom.js";
import { isComplex, refuseComplex } from "../npy-header.js";
import { openNpyParts, type NpyParts } from "../npy-parts.js";
import { openFile, type ByteSource } from "../read-file.js";
import { makeStructure, type Field, type FieldKind, type Structure } from "../structure.js";
import { isZip, readZip, type ZipEntry } from "../zip.js";
import type { StructureFormat } from "./format.js";
import { affordable, spreadOver } from "../sampled-frames.js";

/**
 * Arrays of numpy.savez: MD17 (`R z E F`), revised MD17 (`coords nuclear_charges energies forces`), ANI (`coordinates
 * atomic_numbers energies`), DimeNet's QM9 (`R Z N`, molecules one after the other).
 */
export const npz: StructureFormat = {
  name: "npz",
  extensions: [".npz"],
  sniff: ({ path, isFolder, bytes }) =>
    !isFolder && bytes[0] === 0x50 && bytes[1] === 0x4b && holdsAtoms(path),
  read: (path) => readNpz(path),
  knowsSizes: true,
  sample: (path, count, limits) => {
    let frames = 0;
    const choose: Choice = (all, atoms) => spreadOver((frames = all), affordable(count, all, atoms, limits));
    return { structures: [...readNpz(path, choose)], frames };
  },
};

const positionNames = ["R", "coords", "coordinates", "positions", "pos"];
const numberNames = ["z", "Z", "nuclear_charges", "atomic_numbers", "numbers", "charges"];
const energyNames = ["energies", "E"];
const forceNames = ["forces", "F"];
/** Arrays whose numbers are needed as real ones. */
const needed = new Set([...positionNames, ...numberNames, ...energyNames, ...forceNames, "N"]);
/** Bytes of all arrays that are held in memory: packed ones, and those in Fortran order. */
const mostHeld = 2 ** 31;

function holdsAtoms(path: string): boolean {
  const names = namesOf(path);
  return positionNames.some((name) => names.has(name)) && numberNames.some((name) => names.has(name));
}

function namesOf(path: string): ReadonlySet<string> {
  const source = openFile(path);
  try {
    if (!isZip(source)) return new Set();
    return new Set([...readZip(source).keys()].map((name) => name.replace(/\.npy$/, "")));
  } catch (error) {
    if (error instanceof AtomgradError) return new Set();
    throw error;
  } finally {
    source.close();
  }
}

/** All arrays of real numbers; others are passed over, but not complex positions, atomic numbers, energies, forces. */
function openArrays(source: ByteSource): Map<string, NpyParts> {
  const arrays = new Map<string, NpyParts>();
  let held = 0;
  for (const [entryName, entry] of readZip(source)) {
    if (!entryName.endsWith(".npy")) continue;
    const key = entryName.slice(0, -4);
    const hold = (bytes: number): void => {
      held += bytes;
      if (held > mostHeld)
        throw new AtomgradError(
          "FORMAT",
          `${source.name}: ${entryName}: packed or in Fortran order, and more than ${mostHeld / 2 ** 30} GiB with the arrays before it; save them with numpy.savez, in C order`,
        );
    };
    if (entry.isPacked) hold(entry.size);
    const array = openNumbers(entry, hold);
    if (array === null) continue;
    if (needed.has(key)) refuseComplex(array.dtype, `${source.name}: ${key}`);
    if (!isComplex(array.dtype)) arrays.set(key, array);
  }
  return arrays;
}

/** Null for text and Python objects. */
function openNumbers(entry: ZipEntry, hold: (bytes: number) => void): NpyParts | null {
  try {
    return openNpyParts(entry.open(), hold);
  } catch (error) {
    if (error instanceof AtomgradError && error.code === "DTYPE") return null;
    throw error;
  }
}

/** Picks frames of so many, with so many atoms in all. */
type Choice = (frames: number, atoms: number) => Iterable<number>;
const everyFrame: Choice = (frames) => Array(frames).keys();

function* readNpz(path: string, choose = everyFrame): Generator<Structure> {
  const source = openFile(path);
  try {
    yield* framesOf(source, choose);
  } finally {
    source.close();
  }
}

function* framesOf(source: ByteSource, choose: Choice): Generator<Structure> {
  const arrays = openArrays(source);
  const { name } = source;
  const take = (names: readonly string[]): string | null => names.find((key) => arrays.has(key)) ?? null;
  const at = take(positionNames);
  const numbers = take(numberNames);
  if (at === null || numbers === null)
    throw new AtomgradError(
      "FORMAT",
      `${name}: no positions (${positionNames.join(", ")}) and atomic numbers (${numberNames.join(", ")}) among its arrays ${[...arrays.keys()].slice(0, 20).join(", ")}`,
    );
  const counts = arrays.get("N");
  const positions = arrays.get(at)!;
  if (counts !== undefined && positions.shape.length === 2)
    yield* readRagged(name, arrays, at, numbers, counts, choose);
  else yield* readFrames(name, arrays, at, numbers, [take(energyNames), take(forceNames)], choose);
}

function* readFrames(
  name: string,
  arrays: ReadonlyMap<string, NpyParts>,
  at: string,
  numbers: string,
  [energyName, forceName]: readonly (string | null)[],
  choose: Choice,
): Generator<Structure> {
  const positions = arrays.get(at)!;
  const { shape } = positions;
  const frames = shape.length === 3 ? shape[0] : 1;
  const atoms = shape.at(-2) ?? 0;
  const z = arrays.get(numbers)!;
  const perFrame = z.shape.length === 2;
  if (
    shape.length < 2 ||
    shape.length > 3 ||
    shape.at(-1) !== 3 ||
    z.count !== (perFrame ? frames : 1) * atoms
  )
    throw new AtomgradError(
      "SHAPE",
      `${name}: ${at} [${shape.join(", ")}] and ${numbers} [${z.shape.join(", ")}] do not fit each other`,
    );
  const energy = energyName === null ? null : arrays.get(energyName)!;
  const forces = forceName === null ? null : arrays.get(forceName)!;
  if (energy !== null && energy.count !== frames)
    throw new AtomgradError(
      "SHAPE",
      `${name}: ${energyName} holds ${energy.count} numbers for ${frames} frames`,
    );
  if (forces !== null && forces.count !== positions.count)
    throw new AtomgradError(
      "SHAPE",
      `${name}: ${forceName} [${forces.shape.join(", ")}] does not fit ${at} [${shape.join(", ")}]`,
    );
  const others = [...arrays].filter(([key]) => ![at, numbers, energyName, forceName].includes(key));
  const keys = [...arrays.keys()];
  for (const f of choose(frames, frames * atoms)) {
    const all = Int32Array.from(row(z, perFrame ? f * atoms : 0, atoms));
    const isPadded = all.some((number) => number <= 0);
    const real = isPadded ? Array.from(all.keys()).filter((k) => all[k] > 0) : [];
    const pick = (values: Float64Array): Float64Array =>
      isPadded ? Float64Array.from(real.flatMap((k) => [...values.subarray(3 * k, 3 * k + 3)])) : values;
    const info = new Map<string, Field>();
    const extra = new Map<string, Field>();
    for (const [key, array] of others) addRow(key, array, f, frames, isPadded ? -1 : atoms, info, extra);
    yield makeStructure({
      atomicNumbers: checked(isPadded ? Int32Array.from(real, (k) => all[k]) : all, name, numbers),
      positions: pick(row(positions, 3 * f * atoms, 3 * atoms)),
      energy: energy === null ? null : Number(energy.numbers(f, 1)[0]),
      forces: forces === null ? null : pick(row(forces, 3 * f * atoms, 3 * atoms)),
      info,
      arrays: extra,
      keys,
    });
  }
}

/** Molecules of different sizes, their atoms one after the other. */
function* readRagged(
  name: string,
  arrays: ReadonlyMap<string, NpyParts>,
  at: string,
  numbers: string,
  counts: NpyParts,
  choose: Choice,
): Generator<Structure> {
  const positions = arrays.get(at)!;
  const { shape } = positions;
  const z = arrays.get(numbers)!;
  const sizes = Array.from(counts.numbers(0, counts.count) as ArrayLike<number | bigint>, Number);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (shape[1] !== 3 || total !== shape[0] || z.count !== total || sizes.some((size) => size < 0))
    throw new AtomgradError(
      "SHAPE",
      `${name}: N counts ${total} atoms, ${at} is [${shape.join(", ")}] and ${numbers} [${z.shape.join(", ")}]; they do not fit each other`,
    );
  const others = [...arrays].filter(([key]) => ![at, numbers, "N"].includes(key));
  const keys = [...arrays.keys()];
  const starts = new Float64Array(sizes.length);
  for (let f = 1; f < sizes.length; f++) starts[f] = starts[f - 1] + sizes[f - 1];
  for (const f of choose(sizes.length, total)) {
    const start = starts[f];
    const info = new Map<string, Field>();
    for (const [key, array] of others) addRow(key, array, f, sizes.length, -1, info, new Map());
    yield makeStructure({
      atomicNumbers: checked(Int32Array.from(row(z, start, sizes[f])), name, numbers),
      positions: row(positions, 3 * start, 3 * sizes[f]),
      info,
      keys,
    });
  }
}

function checked(atomicNumbers: Int32Array, name: string, key: string): Int32Array {
  const bad = atomicNumbers.find((z) => z < 0 || z > 118);
  if (bad === undefined) return atomicNumbers;
  throw new AtomgradError("VALUE", `${name}: ${key} holds ${bad}; atomic numbers from 1 to 118 are needed`);
}

function row(array: NpyParts, start: number, count: number): Float64Array {
  const part = array.numbers(start, count);
  if (part instanceof Float64Array) return part;
  if (part instanceof BigInt64Array || part instanceof BigUint64Array) return Float64Array.from(part, Number);
  return new Float64Array(part);
}

/** What an array with a row per frame says about one of them. */
function addRow(
  key: string,
  array: NpyParts,
  frame: number,
  frames: number,
  atoms: number,
  info: Map<string, Field>,
  arrays: Map<string, Field>,
): void {
  const { shape, dtype, count } = array;
  if (shape.length === 0 || shape[0] !== frames || frames === 0) return;
  const width = count / frames;
  const kind: FieldKind = dtype === "bool" ? "boolean" : dtype.startsWith("f") ? "real" : "integer";
  const inner = width === 1 ? [] : shape.slice(1);
  const field: Field = { kind, shape: inner, data: array.numbers(frame * width, width) };
  (looksPerAtom(key, inner, atoms) ? arrays : info).set(key, field);
}
