import { type DeepmdSystem, frameTypes, pickLabel } from "../../data/deepmd-system.js";
import { AtomgradError } from "../../tensor/error.js";

/** Frames of equal size as flat arrays. */
export interface Frames {
  readonly count: number;
  readonly atoms: number;
  /** [count, atoms, 3] */
  readonly positions: Float64Array;
  /** [count, 9] or null */
  readonly cells: Float64Array | null;
  /** [count, atoms] */
  readonly types: Int32Array;
  /** [count, numb_fparam] parameters of frames and [count, atoms, numb_aparam] of atoms; undefined where not given. */
  readonly fparam?: Float64Array | undefined;
  readonly aparam?: Float64Array | undefined;
  /** What frame `f` is called in messages; `frame f` by default. */
  readonly nameOf?: (f: number) => string;
}

/** What a frame is called in messages. */
export function frameName(frames: Frames, f: number): string {
  return frames.nameOf?.(f) ?? `frame ${f}`;
}

/** The last part of a path, with the group of an HDF5 file: what a system is called in messages. */
function folderName(path: string): string {
  const mark = path.indexOf("#/");
  if (mark > 0) return folderName(path.slice(0, mark)) + path.slice(mark);
  return path.split(/[\\/]/).findLast((part) => part !== "" && part !== ".") ?? path;
}

/** What a system is called in messages. */
export function systemName({ name }: DeepmdSystem): string {
  return folderName(name);
}

/** What a frame of a system is called in messages. */
export function systemFrameName(system: DeepmdSystem, frame: number): string {
  return `${systemName(system)}: frame ${frame}`;
}

/** Picks frames of a system. */
export function framesOf(system: DeepmdSystem, frames: Int32Array): Frames {
  const { atomCount: atoms } = system;
  const positions = new Float64Array(frames.length * atoms * 3);
  const cells = system.cells === null ? null : new Float64Array(frames.length * 9);
  const types = new Int32Array(frames.length * atoms);
  frames.forEach((frame, f) => {
    positions.set(system.positions.subarray(frame * atoms * 3, (frame + 1) * atoms * 3), f * atoms * 3);
    cells?.set(system.cells!.subarray(frame * 9, (frame + 1) * 9), f * 9);
    types.set(frameTypes(system, frame), f * atoms);
  });
  const parameters = (["fparam", "aparam"] as const).map((name) => pickLabel(system, frames, name));
  return {
    count: frames.length,
    atoms,
    positions,
    cells,
    types,
    fparam: parameters[0],
    aparam: parameters[1],
    nameOf: (f) => systemFrameName(system, frames[f]),
  };
}

export class FrameList implements Frames {
  constructor(
    readonly count: number,
    readonly atoms: number,
    readonly positions: Float64Array,
    readonly cells: Float64Array | null,
    readonly types: Int32Array,
    readonly fparam?: Float64Array,
    readonly aparam?: Float64Array,
    /** Where the frames come from, for messages: a path whose last part is named. */
    private readonly source?: string,
    private readonly first = 0,
  ) {}

  nameOf(f: number): string {
    const frame = `frame ${this.first + f}`;
    return this.source === undefined ? frame : `${folderName(this.source)}: ${frame}`;
  }

  slice(first: number, end: number): FrameList {
    const { atoms, count } = this;
    const part = (rows: Float64Array | undefined): Float64Array | undefined =>
      rows?.subarray((rows.length / count) * first, (rows.length / count) * end);
    return new FrameList(
      end - first,
      atoms,
      this.positions.subarray(first * atoms * 3, end * atoms * 3),
      this.cells === null ? null : this.cells.subarray(first * 9, end * 9),
      this.types.subarray(first * atoms, end * atoms),
      part(this.fparam),
      part(this.aparam),
      this.source,
      this.first + first,
    );
  }

  /** Atoms `first` to `end` of a single frame as a frame of their own. */
  centres(first: number, end: number): FrameList {
    const width = this.aparam === undefined ? 0 : this.aparam.length / this.atoms;
    return new FrameList(
      1,
      end - first,
      this.positions.subarray(3 * first, 3 * end),
      this.cells,
      this.types.subarray(first, end),
      this.fparam,
      this.aparam?.subarray(width * first, width * end),
      this.source,
      this.first,
    );
  }
}

/** What else may be said of frames. */
export interface FrameOptions {
  /** Number of frames: only needed where types differ between frames without cells, which do not tell it. */
  frames?: number;
  /** [nf, numb_fparam], or [numb_fparam] for all frames. */
  fparam?: ArrayLike<number>;
  /** [nf, N, numb_aparam], [N, numb_aparam] for all frames, or [numb_aparam] for all atoms. */
  aparam?: ArrayLike<number>;
  /** Where the frames come from, for messages: the folder of a system. */
  name?: string;
}

/**
 * Frames from flat arrays: coords [nf, N, 3], cells [nf, 9] or null, types [N] or [nf, N].
 *
 * @param counts numbers per frame and per atom the model wants
 *
 * Errors: SHAPE.
 */
export function frameList(
  coords: ArrayLike<number>,
  cells: ArrayLike<number> | null,
  types: ArrayLike<number>,
  options: FrameOptions = {},
  counts: { readonly fparam: number; readonly aparam: number } = { fparam: 0, aparam: 0 },
): FrameList {
  const positions = Float64Array.from(coords);
  const boxes = cells === null ? null : Float64Array.from(cells);
  const perFrame = 3 * types.length;
  const told =
    boxes !== null ? boxes.length / 9 : perFrame > 0 ? Math.max(1, positions.length / perFrame) : 1;
  const frames = options.frames ?? told;
  if (boxes !== null && boxes.length !== 9 * Math.ceil(frames))
    throw new AtomgradError(
      "SHAPE",
      `eval: cells have ${boxes.length} numbers; 9 per frame are needed${options.frames === undefined ? "" : `, of ${options.frames} frames`}`,
    );
  const atoms = frames === 0 ? 0 : positions.length / 3 / frames;
  const shared = types.length === atoms;
  if (!Number.isInteger(frames) || !Number.isInteger(atoms) || (!shared && types.length !== atoms * frames))
    throw new AtomgradError(
      "SHAPE",
      `eval: ${positions.length} coordinates, ${types.length} types${boxes === null ? "" : ` and ${boxes.length} cell numbers`} do not make whole frames; ` +
        "give coords [nf, N, 3], cells [nf, 9] or null, types [N] or [nf, N]",
    );
  const all = new Int32Array(atoms * frames);
  for (let f = 0; f < frames; f++)
    for (let i = 0; i < atoms; i++) all[f * atoms + i] = types[shared ? i : f * atoms + i];
  const spread = (name: "fparam" | "aparam", perFrame: number, per: string): Float64Array | undefined =>
    spreadParameters(options[name], name, frames, perFrame, counts[name], per);
  return new FrameList(
    frames,
    atoms,
    positions,
    boxes,
    all,
    spread("fparam", counts.fparam, "frame"),
    spread("aparam", atoms * counts.aparam, "atom"),
    options.name,
  );
}

/** Parameters of all frames from those of all, of one for all, or (atoms) of one atom for all. */
function spreadParameters(
  given: ArrayLike<number> | undefined,
  name: string,
  frames: number,
  perFrame: number,
  width: number,
  per: string,
): Float64Array | undefined {
  if (given === undefined || width === 0) return undefined;
  const total = frames * perFrame;
  if (![total, perFrame, width].includes(given.length))
    throw new AtomgradError(
      "SHAPE",
      `eval: ${name} has ${given.length} numbers; ${width} per ${per} are needed, ${total} in all`,
    );
  return Float64Array.from({ length: total }, (_, k) => given[k % given.length]);
}
