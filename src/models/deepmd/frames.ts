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
}

export class FrameList implements Frames {
  constructor(
    readonly count: number,
    readonly atoms: number,
    readonly positions: Float64Array,
    readonly cells: Float64Array | null,
    readonly types: Int32Array,
  ) {}

  slice(first: number, end: number): Frames {
    const { atoms } = this;
    return new FrameList(
      end - first,
      atoms,
      this.positions.subarray(first * atoms * 3, end * atoms * 3),
      this.cells === null ? null : this.cells.subarray(first * 9, end * 9),
      this.types.subarray(first * atoms, end * atoms),
    );
  }
}

/**
 * Frames from flat arrays: coords [nf, N, 3], cells [nf, 9] or null, types [N] or [nf, N].
 *
 * @param count nf; where it is not given the cells tell it, or else one set of types for all frames
 *
 * Errors: SHAPE.
 */
export function frameList(
  coords: ArrayLike<number>,
  cells: ArrayLike<number> | null,
  types: ArrayLike<number>,
  count?: number,
): FrameList {
  const positions = Float64Array.from(coords);
  const boxes = cells === null ? null : Float64Array.from(cells);
  const perFrame = 3 * types.length;
  const told =
    boxes !== null ? boxes.length / 9 : perFrame > 0 ? Math.max(1, positions.length / perFrame) : 1;
  const frames = count ?? told;
  if (boxes !== null && boxes.length !== 9 * Math.ceil(frames))
    throw new AtomgradError(
      "SHAPE",
      `eval: cells have ${boxes.length} numbers; 9 per frame are needed${count === undefined ? "" : `, of ${count} frames`}`,
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
  return new FrameList(frames, atoms, positions, boxes, all);
}
