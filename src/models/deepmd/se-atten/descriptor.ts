import { gather } from "../../../../kernels/segment/op.js";
import { concat, slice } from "../../../../kernels/shape_ops/op.js";
import {
  add,
  clamp,
  minimum,
  mul,
  mulAdd,
  safeSqrt,
  square,
  sub,
} from "../../../../kernels/elementwise/ops.generated.js";
import { cast } from "../../../../kernels/cast/op.js";
import { sum } from "../../../../kernels/reduce/op.js";
import { envMatrix } from "../../../../kernels/env_matrix/op.js";
import { matmul } from "../../../../kernels/matmul/op.js";
import { segmentOuter } from "../../../../kernels/segment_product/op.js";
import { reshape } from "../../../autograd/reshape.js";
import type { DType } from "../../../tensor/dtype.js";
import { widestType } from "../../../tensor/device.js";
import { keep } from "../../../tensor/scope.js";
import { type Tensor, tensor, zeros } from "../../../tensor/tensor.js";
import { type Activation, activationOf } from "../activation.js";
import { type DenseLayer, denseChain, qualifiesForResidual } from "../dense.js";
import type { Descriptor, EnvironmentStatistics } from "../descriptor.js";
import { typePairTable } from "../type-pairs.js";
import type { DeepmdGraph, TypePairs } from "../graph.js";
import type { ParameterSet } from "../parameters.js";
import { switchRadii } from "../settings.js";
import { AttentionLayer, type Gate } from "./attention.js";
import { tensorFlowFloor } from "./floor.js";
import { needsSwitch, recoversSwitch, type SeAttenSettings } from "./settings.js";
import { TypeEmbedding } from "./type-embedding.js";

const prefix = "descriptor.se_atten";

/**
 * The DPA-1 descriptor (spec 2.8) on real neighbour rows only. Empty slots of `sel` are not computed but counted: with
 * smooth attention they stand in the softmax's denominator, and with davg != 0 they are equal rows per centre, computed
 * once and weighted.
 */
export class SeAttenDescriptor implements Descriptor {
  readonly width: number;
  readonly typeWidth: number;
  private readonly activation: Activation;
  private readonly typeEmbedding: TypeEmbedding;
  private readonly embedding: readonly DenseLayer[];
  private readonly strip: readonly DenseLayer[];
  private readonly attention: readonly AttentionLayer[];
  /** Rows of tables over pairs of types; undefined where the nets see the neighbour's type alone. */
  private readonly table: ReturnType<typeof typePairTable> | undefined;
  private readonly mean: Tensor;
  private readonly stddev: Tensor;
  /** R of an empty slot by centre type, [nt+1, 4]; undefined when davg = 0 and it vanishes. */
  private readonly phantom: Tensor | undefined;

  constructor(
    private readonly settings: SeAttenSettings,
    parameters: ParameterSet,
    statistics: EnvironmentStatistics,
    readonly dtype: DType,
  ) {
    const { neuron, tebdDim, axisNeuron, stripMode, typeOneSide, concatOutputTebd, typeCount } = settings;
    this.activation = activationOf(settings.activation);
    this.typeEmbedding = new TypeEmbedding(settings, parameters, dtype);
    const typesWidth = typeOneSide ? tebdDim : 2 * tebdDim;
    const chain = (name: string, input: number): DenseLayer[] =>
      neuron.map((output, l) => {
        const from = l === 0 ? input : neuron[l - 1];
        return parameters.layer(`${prefix}.${name}.networks.0.layers.${l}`, from, output, dtype, {
          bias: true,
          idt: settings.resnetDt && qualifiesForResidual(from, output),
          residual: true,
        });
      });
    this.embedding = chain("filter_layers", stripMode ? 1 : 1 + typesWidth);
    this.strip = stripMode ? chain("filter_layers_strip", typesWidth) : [];
    const rowWidth = neuron[neuron.length - 1];
    this.table = typeOneSide ? undefined : typePairTable(typeCount);
    this.attention = Array.from(
      { length: settings.attentionLayers },
      (_, k) =>
        new AttentionLayer(
          `${prefix}.dpa1_attention.attention_layers.${k}`,
          settings,
          rowWidth,
          parameters,
          dtype,
        ),
    );
    this.typeWidth = concatOutputTebd ? tebdDim : 0;
    this.width = rowWidth * axisNeuron + this.typeWidth;
    this.mean = keep(tensor(statistics.mean, [typeCount, 4], { dtype: widestType() }));
    this.stddev = keep(tensor(statistics.stddev, [typeCount, 4], { dtype: widestType() }));
    this.phantom = phantomRows(statistics, typeCount, dtype);
  }

  /** Whether empty slots contribute rows of their own. */
  get needsEmptySlots(): boolean {
    return this.phantom !== undefined;
  }

  /** @returns [N, width] */
  forward(graph: DeepmdGraph): Tensor[] {
    const { protection, sel, axisNeuron, concatOutputTebd } = this.settings;
    const { from, to } = switchRadii(this.settings);
    const env = envMatrix(graph.edge, graph.centreType, this.mean, this.stddev, {
      rcut: to,
      rcutSmth: from,
      protection,
    });
    const attention = graph.attention!;
    const own = cast(env, this.dtype);
    const column = (first: number, end: number): Tensor => slice(own, 1, first, end);
    const rows = column(0, 4);
    const types = this.typeEmbedding.table();
    const recovered = recoversSwitch(this.settings) ? this.recoveredSwitch(env, graph) : undefined;
    const sw = needsSwitch(this.settings) ? (recovered ?? column(4, 5)) : undefined;
    let g = this.embed(slice(rows, 1, 0, 1), types, attention.pairs, sw);
    let phantom = this.phantom === undefined ? undefined : this.phantomEmbedding(types, graph);
    if (sw !== undefined && this.attention.length > 0) {
      const unit = this.settings.rules === "tf" ? this.shortened(env) : column(5, 8);
      const gate: Gate = { sw: reshape(sw, [sw.size]), unit, graph };
      for (const layer of this.attention) {
        g = layer.forward(g, gate);
        phantom = phantom && layer.forwardEmpty(phantom);
      }
    }
    let moments = segmentOuter(g, rows, graph.ptr);
    if (phantom !== undefined) moments = add(moments, this.phantomMoments(phantom, graph));
    moments = mul(moments, 1 / sel);
    const axis = slice(moments, 1, 0, axisNeuron);
    const product = matmul(moments, axis, { transposeB: true });
    const flat = reshape(product, [graph.atoms, product.shape[1] * product.shape[2]]);
    return [concatOutputTebd ? concat([flat, gather(types, graph.atomType)], 1) : flat];
  }

  dispose(): void {
    this.typeEmbedding.dispose();
    this.mean.dispose();
    this.stddev.dispose();
    this.phantom?.dispose();
    for (const map of [this.table?.neighbour, this.table?.centre])
      for (const t of map === undefined ? [] : [map.index, map.order, map.ptr]) t.dispose();
  }

  /**
   * TensorFlow's smooth attention has no switch at hand and makes one of the radial part: clip(1 - (1 - rcut_smth s)^3, 0, 1)
   * with s = sw/r (spec 2.8).
   */
  private recoveredSwitch(env: Tensor, graph: DeepmdGraph): Tensor {
    const byCentre = (table: Tensor): Tensor => {
      const radial = slice(table, 1, 0, 1);
      const none = zeros([1, 1], { dtype: widestType(table.device.name), device: table.device.name });
      return gather(concat([radial, none], 0), graph.attention!.pairs.centre!);
    };
    const s = mulAdd(slice(env, 1, 0, 1), byCentre(this.stddev), byCentre(this.mean));
    const rest = mulAdd(s, -this.settings.rcutSmooth, 1);
    const cube = mul(mul(rest, rest), rest);
    return cast(clamp(sub(1, cube), 0, 1), this.dtype);
  }

  /** Unit vectors of the angular parts, which TensorFlow's floor makes shorter very near the cutoff (spec 9). */
  private shortened(env: Tensor): Tensor {
    const unit = slice(env, 1, 5, 8);
    const length = safeSqrt(sum(square(slice(env, 1, 1, 4)), { axis: 1, keepDims: true }));
    return cast(mul(unit, minimum(mul(length, 1 / tensorFlowFloor), 1)), this.dtype);
  }

  /** G [rows, M] of radial values s [rows, 1] and the types of the two atoms. */
  private embed(s: Tensor, types: Tensor, pairs: TypePairs, sw: Tensor | undefined): Tensor {
    const { stripMode, smooth } = this.settings;
    if (!stripMode)
      return denseChain(concat([s, this.typesOf(types, pairs)], 1), this.embedding, this.activation);
    const radial = denseChain(s, this.embedding, this.activation);
    let typed = this.stripTable(types, pairs);
    if (smooth) typed = sw === undefined ? mul(typed, 0) : mul(typed, sw);
    return mulAdd(radial, typed, radial);
  }

  /** Type vectors of the neighbours, and with them of the centres. */
  private typesOf(types: Tensor, { pair, neighbour, centre }: TypePairs): Tensor {
    if (pair !== undefined) return gather(this.pairsOf(types), pair);
    const one = gather(types, neighbour!);
    return this.settings.typeOneSide ? one : concat([one, gather(types, centre!)], 1);
  }

  /** The strip network depends on types alone: computed once per pair of types, then looked up. */
  private stripTable(types: Tensor, { pair, neighbour }: TypePairs): Tensor {
    const strip = (input: Tensor): Tensor => denseChain(input, this.strip, this.activation);
    return pair === undefined ? gather(strip(types), neighbour!) : gather(strip(this.pairsOf(types)), pair);
  }

  /** Type vectors of every pair of types. */
  private pairsOf(types: Tensor): Tensor {
    const { neighbour, centre } = this.table!;
    return concat([gather(types, neighbour), gather(types, centre)], 1);
  }

  /** G of one empty slot per centre. Its switch is 0. */
  private phantomEmbedding(types: Tensor, graph: DeepmdGraph): Tensor {
    const rows = gather(this.phantom!, graph.atomType);
    return this.embed(slice(rows, 1, 0, 1), types, graph.attention!.emptySlots!.pairs, undefined);
  }

  /** Sum over the empty slots of a centre: [N, M, 4]. */
  private phantomMoments(g: Tensor, graph: DeepmdGraph): Tensor {
    const rows = mul(gather(this.phantom!, graph.atomType), graph.attention!.emptySlots!.count);
    const [atoms, width] = g.shape;
    return mul(reshape(g, [atoms, width, 1]), reshape(rows, [atoms, 1, 4]));
  }
}

/** -davg/dstd: what normalisation makes of an empty slot; zeros for virtual centres. */
function phantomRows(
  { mean, stddev }: EnvironmentStatistics,
  typeCount: number,
  dtype: DType,
): Tensor | undefined {
  if (mean.every((m) => m === 0)) return undefined;
  const rows = new Float64Array(4 * (typeCount + 1));
  for (let k = 0; k < 4 * typeCount; k++) rows[k] = -mean[k] / stddev[k];
  return keep(tensor(rows, [typeCount + 1, 4], { dtype }));
}
