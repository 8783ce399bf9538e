/** Number types of rows. */
export type BenchType = "f32" | "f64";

/** One measurement a peer can make; sent to it as a line of JSON. */
export interface PeerRequest {
  /** Name of the library, as its users write it. */
  readonly peer: string;
  /** Program in bench/peers and its arguments. */
  readonly program: string;
  readonly args: readonly string[];
  readonly request: Readonly<Record<string, unknown>>;
}

/** Something ready to be measured. */
export interface Workload {
  /** One repetition. */
  readonly run: () => unknown;
  /** Waited for after each repetition with the clock stopped. */
  readonly settle?: () => Promise<void>;
  /** What one repetition does: atoms, pairs, rows, ... */
  readonly work: Readonly<Record<string, number>>;
  /** The least any program must do for it. */
  readonly floor: { readonly flop?: number; readonly bytes?: number };
  readonly peers: readonly PeerRequest[];
  /** Largest difference of the results from the peer's answer to its request, if they can be compared. */
  readonly difference?: (answer: Readonly<Record<string, unknown>>) => number;
  /** Takes so long that it is run once. */
  readonly once?: boolean;
  readonly close?: () => void;
}

/** A row of the benchmark table. */
export interface Bench {
  readonly name: string;
  readonly dtype: BenchType;
  readonly threads: number;
  /** Prepares the row; a string says what is missing on this machine. */
  readonly open: () => Promise<Workload | string>;
}
