import type { Structure } from "../structure.js";
import { shown } from "../text/numbers.js";

/** The beginning of a file (unpacked where it is gzip) or a folder, as far as it is needed to tell formats apart. */
export interface FileStart {
  readonly path: string;
  /** Basename without `.gz`, lower case. */
  readonly name: string;
  readonly isFolder: boolean;
  /** Up to 64 KiB. */
  readonly bytes: Uint8Array;
  /** The same as text, bytes that are no UTF-8 replaced. */
  readonly text: string;
  /** Names in the folder, sorted. */
  readonly entries: readonly string[];
}

export interface WriteOptions {
  /** The type map of DeePMD output, in order; the elements found otherwise. */
  readonly typeMap?: readonly string[];
  /** Is told what the format cannot hold. */
  readonly onNote?: (text: string) => void;
}

/** Some frames of a set too large to be read whole. */
export interface StructureSample {
  /** Frames of the whole set. */
  readonly frames: number;
  /** Whether `frames` was reckoned from the file's length instead of counted. */
  readonly isEstimate?: boolean;
  /** Whether the structures are the first ones of the set, the others being out of reach. */
  readonly isBeginning?: boolean;
  readonly structures: Iterable<Structure>;
}

/** How many atoms the frames of a sample may have together, and how many frames it takes all the same. */
export interface SampleLimits {
  readonly atoms: number;
  readonly fewest: number;
}

/** What is odd about a file that can be read all the same: it ends before it is complete, or holds what is left out. */
export type ReadNote = (text: string, kind: "ends-early" | "left-out") => void;

/** The note for a constraint of ASE other than FixAtoms. */
export function constraintLeftOut(frame: string, constraint: string): string {
  return `${frame} has the constraint ${shown(constraint)}, which is left out; only atoms that FixAtoms holds are marked as fixed`;
}

/** Which frames are wanted, by their numbers from 0. */
export type Wanted = (frame: number) => boolean;

export const everyFrame: Wanted = () => true;

/** One format of structure files. Readers check sizes before they take memory and throw AtomgradErrors only. */
export interface StructureFormat {
  /** As in `--from`, `--to` and the reports of inspect. */
  readonly name: string;
  /** Endings of file names, with dot, lower case. */
  readonly extensions: readonly string[];
  /** Names of files without ending (POSCAR), lower case. */
  readonly fileName?: RegExp;
  /** Whether the unit of the energy is eV by definition; elsewhere it is guessed from its size. */
  readonly electronVolts?: boolean;
  /** Number of the first type where types may have no elements (`Type_1`); 0 by default. */
  readonly firstType?: number;
  /** Whether the content is of this format beyond doubt. */
  sniff(start: FileStart): boolean;
  /** Loads what reading and writing need (a WebAssembly module). */
  prepare?(): Promise<unknown>;
  /**
   * The frames in order, read as they are asked for.
   *
   * @param note is told before the frame that is the first to show what is odd, or behind the last one
   */
  read?(path: string, note?: ReadNote): Iterable<Structure>;
  /**
   * The same with null in place of frames that are not wanted. Of these only so much is read as tells where the next one
   * begins. For formats where that is far less than all.
   */
  readWanted?(path: string, wanted: Wanted, note?: ReadNote): Iterable<Structure | null>;
  /** The frames as inspect counts them: numbers per frame without any atoms too, and what reading refuses (NaN, flat cells). */
  describe?(path: string): Iterable<Structure>;
  /**
   * About `count` frames spread over the set, without reading the rest; null where this set can only be read whole.
   *
   * @param limits for formats that know the sizes of frames before they read them: `knowsSizes`
   */
  sample?(path: string, count: number, limits?: SampleLimits): StructureSample | null;
  /** Whether `sample` keeps to its limits. */
  readonly knowsSizes?: boolean;
  /** Writes all or nothing. */
  write?(path: string, structures: Iterable<Structure>, options: WriteOptions): void;
}
