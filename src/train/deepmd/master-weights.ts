import type { EnergyModel } from "../../models/deepmd/energy-model.js";
import { precisionOf } from "../../models/deepmd/held-weights.js";
import { isHalf, roundingOf } from "../../models/deepmd/net-precision.js";
import type { NamedParameters } from "../../nn/optimizer.js";
import { AtomgradError } from "../../tensor/error.js";
import { keep } from "../../tensor/scope.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";

const prefix = "master.";

interface Pair {
  readonly name: string;
  readonly held: Tensor;
  readonly master: Tensor;
  readonly rounding: (value: number) => number;
}

/**
 * Copies in f32 of the weights of half-precision nets, for an optimiser: updates that are smaller than half a unit of the
 * narrow type would be lost on the weights themselves (Micikevicius et al. 2018). Models without such nets have none.
 */
export class MasterWeights {
  private readonly pairs: readonly Pair[];

  constructor(model: EnergyModel, trainable: NamedParameters) {
    this.pairs = [...trainable].flatMap(([name, held]) => {
      const precision = precisionOf(model.config, name) ?? "default";
      const rounding = roundingOf(precision);
      if (rounding === undefined || !isHalf(precision)) return [];
      const master = keep(
        tensor(held.dataSync(), held.shape, { dtype: held.dtype, device: held.device.name }),
      );
      return [{ name, held, master, rounding }];
    });
  }

  /** What the optimiser updates: the copies, and the parameters that have none. */
  instead(trainable: NamedParameters): Map<string, Tensor> {
    const masters = new Map(this.pairs.map(({ name, master }) => [name, master]));
    return new Map([...trainable].map(([name, held]) => [name, masters.get(name) ?? held]));
  }

  /** Rounds the copies into the model. */
  round(): void {
    for (const { held, master, rounding } of this.pairs)
      held.assign(Float64Array.from(master.dataSync(), rounding));
  }

  /** The copies by name, exact. */
  exportState(): Map<string, Float64Array> {
    return new Map(
      this.pairs.map(({ name, master }) => [prefix + name, Float64Array.from(master.dataSync())]),
    );
  }

  /** Sets the copies. Errors: FORMAT for missing or misfit arrays. */
  importState(state: ReadonlyMap<string, Float64Array>): void {
    for (const { name, master } of this.pairs) {
      const data = state.get(prefix + name);
      if (data?.length !== master.size)
        throw new AtomgradError(
          "FORMAT",
          data === undefined
            ? `optimizer: no ${prefix}${name}: the checkpoint is of a training in another precision; use --init-model`
            : `optimizer: ${prefix}${name} has ${data.length} numbers, the model needs ${master.size}`,
        );
      master.assign(data);
    }
  }

  dispose(): void {
    for (const { master } of this.pairs) master.dispose();
  }
}
