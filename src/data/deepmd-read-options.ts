import type { TypeNaming } from "./deepmd-npy-types.js";
import type { LabelName } from "./deepmd-system.js";

/** How to read a system. */
export interface DeepmdReadOptions extends TypeNaming {
  /** Labels to load; all of them by default. What is not loaded is not checked either. */
  readonly labels?: readonly LabelName[];
  /** Numbers of `fparam` per frame and of `aparam` per atom the model expects: 0 skips the file, absent takes any. */
  readonly fparam?: number;
  readonly aparam?: number;
  /** Take numbers that are not finite and cells without volume as they are, to say where they are. */
  readonly unchecked?: boolean;
}

/** All label names, in file order. */
export const labelNames: readonly LabelName[] = [
  "energy",
  "force",
  "virial",
  "atom_ener",
  "atom_pref",
  "fparam",
  "aparam",
];
