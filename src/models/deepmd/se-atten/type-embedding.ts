import { concat } from "../../../../kernels/shape_ops/op.js";
import type { DType } from "../../../tensor/dtype.js";
import { keep } from "../../../tensor/scope.js";
import { type Tensor, tensor } from "../../../tensor/tensor.js";
import { type Activation, activationOf } from "../activation.js";
import { type DenseLayer, denseChain, qualifiesForResidual } from "../dense.js";
import type { ParameterSet } from "../parameters.js";
import { electronConfigurations, configurationWidth } from "./electron-configuration.js";
import type { SeAttenSettings } from "./settings.js";

/** Where the layers of the net of types stand in DeePMD-kit's PyTorch models. */
export const typeLayers = "descriptor.type_embedding.embedding.embedding_net.layers";

/**
 * The table of type vectors T [nt+1, tebd]: a net on one-hot types or on electron configurations, with the residuals its
 * widths allow; the last row, of virtual atoms and padding, is zero.
 */
export class TypeEmbedding {
  private readonly activation: Activation;
  private readonly layers: readonly DenseLayer[];
  /** [nt, in] */
  private readonly input: Tensor;
  private readonly padding: Tensor;

  constructor(settings: SeAttenSettings, parameters: ParameterSet, dtype: DType) {
    const { typeCount, tebdDim, tebdBias, econf, typeMap, typeNet } = settings;
    const width = econf ? configurationWidth : typeCount;
    this.activation = activationOf(typeNet.activation);
    this.layers = typeNet.neuron.map((output, l) => {
      const from = l === 0 ? width : typeNet.neuron[l - 1];
      const idt = typeNet.resnetDt && qualifiesForResidual(from, output);
      return parameters.layer(`${typeLayers}.${l}`, from, output, dtype, {
        bias: tebdBias,
        idt,
        residual: true,
      });
    });
    const rows = econf ? electronConfigurations(typeMap) : identity(typeCount);
    this.input = keep(tensor(rows, [typeCount, width], { dtype }));
    this.padding = keep(tensor(new Float64Array(tebdDim), [1, tebdDim], { dtype }));
  }

  table(): Tensor {
    return concat([denseChain(this.input, this.layers, this.activation), this.padding], 0);
  }

  dispose(): void {
    this.input.dispose();
    this.padding.dispose();
  }
}

function identity(n: number): Float64Array {
  const rows = new Float64Array(n * n);
  for (let k = 0; k < n; k++) rows[k * n + k] = 1;
  return rows;
}
