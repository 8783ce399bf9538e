import { add, mul } from "../../../../kernels/elementwise/ops.generated.js";
import { gatedSoftmax } from "../../../../kernels/gated_softmax/op.js";
import { layerNorm, normalizeRows } from "../../../../kernels/row_norm/op.js";
import { matmul, matmulSplit } from "../../../../kernels/matmul/op.js";
import { raggedNN, raggedNT } from "../../../../kernels/ragged_matmul/op.js";
import { detach } from "../../../autograd/node.js";
import type { DType } from "../../../tensor/dtype.js";
import type { Tensor } from "../../../tensor/tensor.js";
import type { DeepmdGraph } from "../graph.js";
import type { ParameterSet } from "../parameters.js";
import { tensorFlowFloor } from "./floor.js";
import type { SeAttenSettings } from "./settings.js";

/** What weighs the attention between the neighbours of a centre: the same for every layer. */
export interface Gate {
  /** [E] the switch of each edge */
  readonly sw: Tensor;
  /** [E, 3] the direction of each edge */
  readonly unit: Tensor;
  readonly graph: DeepmdGraph;
}

/** One gated self-attention layer over the neighbours of each centre (spec 2.8): G <- LayerNorm(G + attention(G)). */
export class AttentionLayer {
  private readonly inMatrix: Tensor;
  private readonly inBias: Tensor;
  private readonly outMatrix: Tensor;
  private readonly outBias: Tensor;
  private readonly normWeight: Tensor;
  private readonly normBias: Tensor;
  private readonly scale: number;

  constructor(
    prefix: string,
    private readonly settings: SeAttenSettings,
    width: number,
    parameters: ParameterSet,
    dtype: DType,
  ) {
    const hidden = settings.attentionWidth;
    const attention = `${prefix}.attention_layer`;
    this.inMatrix = parameters.take(`${attention}.in_proj.matrix`, [width, 3 * hidden], dtype);
    this.inBias = parameters.take(`${attention}.in_proj.bias`, [3 * hidden], dtype);
    this.outMatrix = parameters.take(`${attention}.out_proj.matrix`, [hidden, width], dtype);
    this.outBias = parameters.take(`${attention}.out_proj.bias`, [width], dtype);
    this.normWeight = parameters.take(`${prefix}.attn_layer_norm.matrix`, [width], dtype);
    this.normBias = parameters.take(`${prefix}.attn_layer_norm.bias`, [width], dtype);
    this.scale = settings.temperature ?? 1 / Math.sqrt(hidden * settings.scalingFactor);
  }

  /** g [E, M] -> [E, M] */
  forward(g: Tensor, { sw, unit, graph }: Gate): Tensor {
    const { scale } = this;
    const { smooth, dotr } = this.settings;
    const [q, k, v] = matmulSplit(g, this.inMatrix, 3, this.inBias).map((x) => this.scaled(x));
    const { ptr } = graph;
    const { start, others, pairCount, pad } = graph.attention!;
    const logits = raggedNT(q, k, ptr, start, pairCount);
    const weights = gatedSoftmax(logits, sw, unit, ptr, start, pad, { scale, smooth, dotr });
    const mixed = raggedNN(others === undefined ? weights : mul(weights, others), v, ptr, start);
    return this.normalised(matmul(mixed, this.outMatrix, { bias: this.outBias, residual: g }));
  }

  /** The same for rows of empty slots [N, M], whose attention weights are all zero. */
  forwardEmpty(g: Tensor): Tensor {
    return this.normalised(add(g, this.outBias));
  }

  private normalised(x: Tensor): Tensor {
    const { trainableNorm, normEps } = this.settings;
    const [weight, bias] = [this.normWeight, this.normBias].map((t) => (trainableNorm ? t : detach(t)));
    return layerNorm(x, weight, bias, normEps);
  }

  /** q, k or v, each row scaled to length 1 if the settings say so. */
  private scaled(x: Tensor): Tensor {
    if (!this.settings.normalize) return x;
    return this.settings.rules === "tf" ? normalizeRows(x, tensorFlowFloor) : normalizeRows(x);
  }
}
