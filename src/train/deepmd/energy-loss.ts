import { add, div, mul, safeSqrt, square, sub } from "../../../kernels/elementwise/ops.generated.js";
import { sum } from "../../../kernels/reduce/op.js";
import { reshape } from "../../autograd/reshape.js";
import type { LabelName } from "../../data/deepmd-system.js";
import { AtomgradError } from "../../tensor/error.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";
import type { EnerLossConfig } from "../../models/deepmd/config/schema-training.js";
import type { Prediction } from "../../models/deepmd/prediction.js";
import { activeTerms, lossPrefactor, type LossRule, type LossTerm } from "../loss-prefactor.js";
import type { LabelledBatch } from "./labelled-batch.js";
import { penalise, type Penalty, type Residuals } from "./residuals.js";

/** Prefactors of the terms at one step (spec 1.8); terms that a loss does not have are absent. */
export type Prefactors = ReadonlyMap<LossTerm, number>;

/** Errors of a batch as lcurve.out shows them, by column (`rmse`, `rmse_e`, `mae_f`, ...); NaN where a label is missing. */
export type Errors = Readonly<Record<string, number>>;

/** DeePMD-kit's `ener` loss: energy, force, virial, atomic energy and weighted forces (spec 1.8, PyTorch's formulas). */
export class EnergyLoss {
  private readonly terms: readonly LossTerm[];

  /** @param rule whose rule decides which terms there are. Errors: CONFIG for keys that exclude each other. */
  constructor(
    private readonly config: EnerLossConfig,
    rule: LossRule = "pt",
  ) {
    this.terms = activeTerms(config, rule);
    checkKeys(config, this.terms);
  }

  /** Names of the reported columns, alphabetical. */
  get columns(): string[] {
    return ["rmse", ...this.terms.map((term) => this.column(term))].sort();
  }

  /** The labels of each term: what a batch needs of at least one of them. */
  get labels(): readonly (readonly LabelName[])[] {
    const own: Readonly<Record<LossTerm, readonly LabelName[]>> = {
      e: ["energy"],
      f: ["force"],
      v: ["virial"],
      ae: ["atom_ener"],
      pf: this.config.use_default_pf ? ["force"] : ["force", "atom_pref"],
    };
    return this.terms.map((term) => own[term]);
  }

  get hasVirial(): boolean {
    return this.terms.includes("v");
  }

  prefactors(rate: number, startRate: number): Prefactors {
    return new Map(this.terms.map((term) => [term, lossPrefactor(this.config, term, rate, startRate)]));
  }

  /**
   * The loss (a scalar to differentiate) and a function that reads the errors. Virtual atoms count for nothing: per frame
   * quantities are divided by real atoms, per atom ones are averaged over the real atoms of the batch.
   *
   * Errors: CONFIG when the data have no label of any term.
   */
  evaluate(
    prediction: Prediction,
    batch: LabelledBatch,
    prefactors: Prefactors,
  ): { loss: Tensor; errors: () => Errors } {
    const parts: Tensor[] = [];
    const shown = new Map<string, () => number>();
    for (const term of this.terms) {
      const residuals = this.residuals(term, prediction, batch);
      if (residuals === undefined) continue;
      const { loss, shown: error } = penalise(residuals, this.penalty(term));
      parts.push(mul(loss, prefactors.get(term)!));
      shown.set(this.column(term), error);
    }
    if (parts.length === 0)
      throw new AtomgradError(
        "CONFIG",
        "loss: no term is left; the data have none of the labels the prefactors ask for",
      );
    const loss = parts.reduce((a, b) => add(a, b));
    shown.set("rmse", () => Math.sqrt(loss.itemSync()));
    const errors = (): Errors =>
      Object.fromEntries(this.columns.map((name) => [name, shown.get(name)?.() ?? NaN]));
    return { loss, errors };
  }

  private column(term: LossTerm): string {
    return `${this.config.loss_func === "mae" ? "mae" : "rmse"}_${term}`;
  }

  private penalty(term: LossTerm): Penalty {
    const { huber_delta: delta, loss_func: kind, use_huber: huber } = this.config;
    if (kind === "mae" || !huber) return { kind };
    const [energy, force, virial] = Array.isArray(delta) ? delta : [delta, delta, delta];
    return { kind: "huber", delta: term === "f" ? force : term === "v" ? virial : energy };
  }

  private residuals(term: LossTerm, prediction: Prediction, batch: LabelledBatch): Residuals | undefined {
    switch (term) {
      case "e":
        return perFrame(prediction.energy, batch.energy, batch, this.config.intensive_ener_virial);
      case "v":
        return (
          prediction.virial &&
          perFrame(prediction.virial, batch.virial, batch, this.config.intensive_ener_virial)
        );
      case "ae":
        return perAtom(prediction.atomEnergy, batch.atomEnergy, batch);
      case "f":
        return this.forceResiduals(prediction, batch);
      case "pf":
        return this.weightedForceResiduals(prediction, batch);
    }
  }

  private forceResiduals({ force }: Prediction, batch: LabelledBatch): Residuals | undefined {
    const rows = this.relative(perAtom(force, batch.force, batch), batch);
    if (rows === undefined || !this.config.f_use_norm) return rows;
    const length = safeSqrt(sum(square(rows.difference), { axis: 1, keepDims: true }));
    const norms = { difference: length, share: batch.atomShare };
    // The column shown by Huber's loss stays that of the components.
    return this.config.loss_func === "mae" ? norms : { ...norms, reported: thirds(batch.atomShare) };
  }

  private weightedForceResiduals({ force }: Prediction, batch: LabelledBatch): Residuals | undefined {
    const weights =
      batch.atomPref ?? (this.config.use_default_pf ? new Float64Array(force.size).fill(1) : undefined);
    const rows = this.relative(perAtom(force, batch.force, batch), batch);
    if (rows === undefined || weights === undefined) return undefined;
    return { ...rows, weights: tensor(weights, force.shape) };
  }

  /** `relative_f`: residuals in units of the label's length plus a constant. */
  private relative(rows: Residuals | undefined, { force }: LabelledBatch): Residuals | undefined {
    const offset = this.config.relative_f;
    if (rows === undefined || offset === null) return rows;
    const unit = Float64Array.from({ length: force!.length / 3 }, (_, i) => {
      const [x, y, z] = force!.subarray(3 * i, 3 * i + 3);
      return Math.sqrt(x * x + y * y + z * z) + offset;
    });
    return { ...rows, difference: div(rows.difference, tensor(unit, [unit.length, 1])) };
  }
}

/** Energies and virials: one row a frame, divided by its real atoms (or their square, `intensive`). */
function perFrame(
  predicted: Tensor,
  label: Float64Array | undefined,
  { realAtoms }: LabelledBatch,
  intensive: boolean,
): Residuals | undefined {
  if (label === undefined) return undefined;
  const frames = realAtoms.length;
  const width = label.length / frames;
  const share = (power: number): Float64Array =>
    Float64Array.from(realAtoms, (n) => 1 / (width * frames * n ** power));
  return {
    difference: sub(tensor(label, [frames, width]), reshape(predicted, [frames, width])),
    share: share(intensive ? 2 : 1),
    reported: share(2),
    absolute: share(1),
    huber: { factor: Float64Array.from(realAtoms, (n) => 1 / n), share: share(0) },
  };
}

/** Forces and atomic energies: one row an atom. */
function perAtom(
  predicted: Tensor,
  label: Float64Array | undefined,
  { atomShare }: LabelledBatch,
): Residuals | undefined {
  if (label === undefined) return undefined;
  const atoms = atomShare.length;
  const width = label.length / atoms;
  return {
    difference: sub(tensor(label, [atoms, width]), reshape(predicted, [atoms, width])),
    share: width === 3 ? thirds(atomShare) : atomShare,
  };
}

function thirds(share: Float64Array): Float64Array {
  return share.map((w) => w / 3);
}

function checkKeys(config: EnerLossConfig, terms: readonly LossTerm[]): void {
  const norm = config.f_use_norm && !config.use_huber && config.loss_func !== "mae";
  const huber = config.use_huber && (terms.includes("pf") || config.relative_f !== null);
  if (norm)
    throw new AtomgradError(
      "CONFIG",
      'loss.f_use_norm: needs "use_huber": true or "loss_func": "mae"; squares are the same either way',
    );
  if (huber)
    throw new AtomgradError(
      "CONFIG",
      `loss.use_huber: does not go with ${config.relative_f !== null ? "relative_f" : "start_pref_pf"}; leave one of them out`,
    );
}
