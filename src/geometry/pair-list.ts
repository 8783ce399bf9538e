/** A full directed neighbour list, sorted by centre, neighbour and offset. */
export interface NeighborList<A extends Float32Array | Float64Array = Float64Array> {
  /** Number of pairs E. */
  readonly count: number;
  /** Row 0: neighbour j (source), row 1: centre i (target); [2][E]. */
  readonly edgeIndex: readonly [Int32Array, Int32Array];
  /** [E, 3] integer cell offsets of the neighbour. */
  readonly edgeShift: Int32Array;
  /** [E, 3] r_j + shift . cell - r_i with the positions as given, angstrom. */
  readonly edgeVector: A;
  /** [E] angstrom */
  readonly distance: A;
  /** [N + 1] pairs of centre i are ptr[i] .. ptr[i + 1]. */
  readonly ptr: Int32Array;
}

/** The neighbour lists of several frames in a row; atoms are numbered through. */
export interface FramesNeighborList<
  A extends Float32Array | Float64Array = Float64Array,
> extends NeighborList<A> {
  /** [F + 1] atoms of each frame. */
  readonly framePtr: Int32Array;
  /** [F + 1] pairs of each frame. */
  readonly edgePtr: Int32Array;
}
