import { cast } from "../../../../kernels/cast/op.js";
import { add, mul } from "../../../../kernels/elementwise/ops.generated.js";
import { envMatrix } from "../../../../kernels/env_matrix/op.js";
import { matmul } from "../../../../kernels/matmul/op.js";
import { gather } from "../../../../kernels/segment/op.js";
import { segmentOuter } from "../../../../kernels/segment_product/op.js";
import { concat, slice } from "../../../../kernels/shape_ops/op.js";
import { reshape } from "../../../autograd/reshape.js";
import type { DType } from "../../../tensor/dtype.js";
import { widestType } from "../../../tensor/device.js";
import { keep } from "../../../tensor/scope.js";
import { type Tensor, tensor, zeros } from "../../../tensor/tensor.js";
import { type Activation, activationOf } from "../activation.js";
import { type DenseLayer, denseChain, qualifiesForResidual } from "../dense.js";
import type { Descriptor, EnvironmentStatistics } from "../descriptor.js";
import type { DeepmdGraph, NetGroup } from "../graph.js";
import type { ParameterSet } from "../parameters.js";
import { switchRadii } from "../settings.js";
import type { SeE2ASettings } from "./settings.js";

const prefix = "descriptor.sea.filter_layers.networks";

/**
 * The two-body embedding descriptor of DeePMD (Zhang et al. 2018; spec 2.7) on real neighbour rows only. Empty slots of
 * `sel` are not computed one by one: those of a centre for one neighbour type are equal, so one row stands for them with its
 * number as weight, and none where davg = 0.
 */
export class SeE2ADescriptor implements Descriptor {
  readonly width: number;
  readonly typeWidth = 0;
  private readonly activation: Activation;
  /** By centre + nt * neighbour, or by neighbour alone (`type_one_side`). */
  private readonly nets: readonly (readonly DenseLayer[])[];
  private readonly mean: Tensor;
  private readonly stddev: Tensor;
  /** Normalised row of an empty slot by centre type, [nt, 4]; undefined where davg = 0 makes it vanish. */
  private readonly emptyRows: Tensor | undefined;

  constructor(
    private readonly settings: SeE2ASettings,
    parameters: ParameterSet,
    statistics: EnvironmentStatistics,
    readonly dtype: DType,
  ) {
    const { axisNeuron, neuron, resnetDt, typeCount, typeOneSide } = settings;
    this.activation = activationOf(settings.activation);
    this.nets = Array.from({ length: typeOneSide ? typeCount : typeCount * typeCount }, (_, net) =>
      neuron.map((output, l) => {
        const input = l === 0 ? 1 : neuron[l - 1];
        const idt = resnetDt && qualifiesForResidual(input, output);
        return parameters.layer(`${prefix}.${net}.layers.${l}`, input, output, dtype, {
          bias: true,
          idt,
          residual: true,
        });
      }),
    );
    this.width = neuron[neuron.length - 1] * axisNeuron;
    this.mean = keep(tensor(statistics.mean, [typeCount, 4], { dtype: widestType() }));
    this.stddev = keep(tensor(statistics.stddev, [typeCount, 4], { dtype: widestType() }));
    const empty = statistics.mean.map((mean, k) => (mean === 0 ? 0 : -mean / statistics.stddev[k]));
    this.emptyRows = empty.every((x) => x === 0) ? undefined : keep(tensor(empty, [typeCount, 4], { dtype }));
  }

  get needsEmptySlots(): boolean {
    return this.emptyRows !== undefined;
  }

  forward(graph: DeepmdGraph): Tensor[] {
    const { from, to } = switchRadii(this.settings);
    const env = envMatrix(graph.edge, graph.centreType, this.mean, this.stddev, {
      rcut: to,
      rcutSmth: from,
      protection: this.settings.protection,
    });
    const { groups, rows: map, weight } = graph.byType!;
    const own = cast(slice(env, 1, 0, 4), this.dtype);
    const rows = gather(this.emptyRows === undefined ? own : concat([own, this.emptyRows], 0), map);
    const weighted = weight === undefined ? rows : mul(rows, weight);
    return groups.flatMap((group) => {
      const descriptors = this.contract(this.moments(group, rows, weighted));
      if (group.blocks.length === 1) return [descriptors];
      return group.blocks.map(({ from, to }) => slice(descriptors, 0, from - group.from, to - group.from));
    });
  }

  dispose(): void {
    this.mean.dispose();
    this.stddev.dispose();
    this.emptyRows?.dispose();
  }

  /** Sum over the neighbours of each centre of G (outer) R, [atoms of the group, M, 4]. */
  private moments(group: NetGroup, rows: Tensor, weighted: Tensor): Tensor {
    const parts = group.nets.map(({ net, from, to, ptr }) => {
      const s = slice(slice(rows, 0, from, to), 1, 0, 1);
      const g = denseChain(s, this.nets[net], this.activation);
      return segmentOuter(g, slice(weighted, 0, from, to), ptr);
    });
    if (parts.length > 0) return parts.reduce((a, b) => add(a, b));
    const { neuron } = this.settings;
    return zeros([group.to - group.from, neuron[neuron.length - 1], 4], {
      dtype: this.dtype,
      device: rows.device.name,
    });
  }

  /** The moments times their first rows, over the squared number of slots: [atoms, width]. */
  private contract(moments: Tensor): Tensor {
    const slots = this.settings.sel.reduce((a, b) => a + b, 0);
    const mean = mul(moments, 1 / slots);
    const axis = slice(mean, 1, 0, this.settings.axisNeuron);
    return reshape(matmul(mean, axis, { transposeB: true }), [moments.shape[0], this.width]);
  }
}
