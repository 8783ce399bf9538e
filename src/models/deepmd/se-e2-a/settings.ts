import type { NeighbourSettings } from "../settings.js";

/** What the `se_e2_a` code needs to know, in this package's names; made from the descriptor section of an input. */
export interface SeE2ASettings extends NeighbourSettings {
  readonly kind: "se_e2_a";
  /** Slots per centre for neighbours of each type. */
  readonly sel: readonly number[];
}
