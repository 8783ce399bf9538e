import type { EnerLossConfig } from "../models/deepmd/config/schema-training.js";

/** Terms of the energy loss, by the suffix of their keys: energy, force, virial, atomic energy, force with weights. */
export type LossTerm = "e" | "f" | "v" | "ae" | "pf";

/** Order of the columns that DeePMD-kit's TensorFlow backend prints; PyTorch's is alphabetical. */
export const lossTerms: readonly LossTerm[] = ["e", "f", "v", "ae", "pf"];

/** Whose rule decides which terms a loss has: PyTorch wants start and limit non-zero, TensorFlow one of them. */
export type LossRule = "pt" | "tf";

/** The terms of a loss, in the order of `lossTerms`. */
export function activeTerms(loss: EnerLossConfig, rule: LossRule): LossTerm[] {
  return lossTerms.filter((term) => {
    const start = loss[`start_pref_${term}`] !== 0;
    const limit = loss[`limit_pref_${term}`] !== 0;
    return rule === "pt" ? start && limit : start || limit;
  });
}

/**
 * The prefactor of a loss term at a learning rate (deepmd.md 1.8): `start` at the start rate, `limit` at rate 0.
 *
 * @param rate learning rate of this step; @param startRate `start_lr` of the schedule
 */
export function lossPrefactor(loss: EnerLossConfig, term: LossTerm, rate: number, startRate: number): number {
  const start = loss[`start_pref_${term}`];
  const limit = loss[`limit_pref_${term}`];
  return limit + ((start - limit) * rate) / startRate;
}
