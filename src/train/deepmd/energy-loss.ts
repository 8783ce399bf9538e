import { add, mul, square, sub } from "../../../kernels/elementwise/ops.generated.js";
import { sum } from "../../../kernels/reduce/op.js";
import { AtomgradError } from "../../tensor/error.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";
import type { EnerLossConfig } from "../../models/deepmd/config/schema-training.js";
import type { Prediction } from "../../models/deepmd/prediction.js";
import { activeTerms, lossPrefactor, type LossTerm } from "../loss-prefactor.js";
import type { LabelledBatch } from "./labelled-batch.js";

/** Prefactors of the terms at one step (spec 1.8). */
export interface Prefactors {
  readonly energy: number;
  readonly force: number;
  readonly virial: number;
}

/** Root mean square errors of a batch as lcurve.out shows them; NaN where a label is missing. */
export interface Errors {
  readonly rmse: number;
  readonly rmse_e: number;
  readonly rmse_f: number;
  readonly rmse_v: number;
}

/** DeePMD-kit's `ener` loss (mean squares). */
export class EnergyLoss {
  private readonly terms: ReadonlySet<LossTerm>;

  constructor(private readonly config: EnerLossConfig) {
    refuse(config);
    this.terms = new Set(activeTerms(config, "pt"));
  }

  /** Names of the reported columns, alphabetical. */
  get columns(): (keyof Errors)[] {
    const byTerm = (["e", "f", "v"] as const).filter((term) => this.terms.has(term));
    return ["rmse", ...byTerm.map((term) => `rmse_${term}` as const)];
  }

  get hasVirial(): boolean {
    return this.terms.has("v");
  }

  prefactors(rate: number, startRate: number): Prefactors {
    const at = (term: LossTerm): number =>
      this.terms.has(term) ? lossPrefactor(this.config, term, rate, startRate) : 0;
    return { energy: at("e"), force: at("f"), virial: at("v") };
  }

  /**
   * The loss (a scalar to differentiate) and functions that read the errors. Frames with virtual atoms count by their real
   * atoms: 1/N is taken per frame inside the mean.
   */
  evaluate(
    prediction: Prediction,
    batch: LabelledBatch,
    p: Prefactors,
  ): { loss: Tensor; errors: () => Errors } {
    const frames = batch.realAtoms.length;
    const perFrame = (f: (n: number) => number): Float64Array => Float64Array.from(batch.realAtoms, f);
    const terms: Tensor[] = [];
    let energy: Tensor | undefined;
    let force: Tensor | undefined;
    let virial: Tensor | undefined;
    if (this.terms.has("e") && batch.energy !== undefined) {
      const d = square(sub(prediction.energy, tensor(batch.energy, [frames])));
      const power = this.config.intensive_ener_virial ? 2 : 1;
      terms.push(
        mul(
          weighted(
            d,
            perFrame((n) => 1 / (frames * n ** power)),
          ),
          p.energy,
        ),
      );
      energy = weighted(
        d,
        perFrame((n) => 1 / (frames * n * n)),
      );
    }
    if (this.terms.has("f") && batch.force !== undefined) {
      const atoms = batch.forceWeights.length;
      const d = sum(square(sub(prediction.force, tensor(batch.force, [atoms, 3]))), { axis: 1 });
      force = weighted(d, batch.forceWeights);
      terms.push(mul(force, p.force));
    }
    if (this.terms.has("v") && batch.virial !== undefined && prediction.virial !== undefined) {
      const d = sum(square(sub(prediction.virial, tensor(batch.virial, [frames, 9]))), { axis: 1 });
      const power = this.config.intensive_ener_virial ? 2 : 1;
      terms.push(
        mul(
          weighted(
            d,
            perFrame((n) => 1 / (9 * frames * n ** power)),
          ),
          p.virial,
        ),
      );
      virial = weighted(
        d,
        perFrame((n) => 1 / (9 * frames * n * n)),
      );
    }
    if (terms.length === 0)
      throw new AtomgradError(
        "CONFIG",
        "loss: no term is left; the data have none of the labels the prefactors ask for",
      );
    const loss = terms.reduce((a, b) => add(a, b));
    const root = (t: Tensor | undefined): number => (t === undefined ? NaN : Math.sqrt(t.itemSync()));
    return {
      loss,
      errors: () => ({ rmse: root(loss), rmse_e: root(energy), rmse_f: root(force), rmse_v: root(virial) }),
    };
  }
}

function weighted(x: Tensor, weights: Float64Array): Tensor {
  return sum(mul(x, tensor(weights, [weights.length])));
}

function refuse(config: EnerLossConfig): void {
  const used = [
    config.use_huber && "use_huber",
    config.loss_func !== "mse" && "loss_func",
    config.f_use_norm && "f_use_norm",
    config.relative_f !== null && "relative_f",
    config.enable_atom_ener_coeff && "enable_atom_ener_coeff",
    config.start_pref_ae !== 0 && "start_pref_ae",
    config.start_pref_pf !== 0 && "start_pref_pf",
    config.start_pref_h !== 0 && "start_pref_h",
    config.start_pref_gf !== 0 && "start_pref_gf",
  ].find((key) => key !== false);
  if (used !== undefined)
    throw new AtomgradError(
      "CONFIG",
      `loss.${used} is not computed by this version; energy, force and virial terms with mean squares are`,
    );
}
