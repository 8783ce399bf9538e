import { RandomStream } from "../../tensor/philox.js";
import { sizeOf, type Shape } from "../../tensor/shape.js";
import type { ModelConfig } from "./config/deepmd-input.js";
import { qualifiesForResidual } from "./dense.js";
import type { EnvironmentStatistics } from "./descriptor.js";
import { descriptorBlocks } from "./energy-model.js";
import { descriptorSettings, fittingSettings } from "./from-config.js";
import type { Weights } from "./parameters.js";
import { configurationWidth } from "./se-atten/electron-configuration.js";
import { typeLayers } from "./se-atten/type-embedding.js";
import type { SeAttenSettings } from "./se-atten/settings.js";
import type { SeE2ASettings } from "./se-e2-a/settings.js";
import type { ParameterStatistics } from "./statistics.js";

const streams = { descriptor: 101, fitting: 102 } as const;

/** Draws weights as DeePMD-kit does (spec 2.6): matrices N(0, 1/sqrt(in + out)), biases N(0, 1), time steps N(0.1, 0.001). */
class WeightDrawer {
  readonly weights: Weights = new Map();
  private random: RandomStream;

  constructor(seed: number, stream: number) {
    this.random = new RandomStream(seed, stream);
  }

  start(seed: number, stream: number): void {
    this.random = new RandomStream(seed, stream);
  }

  normal(name: string, shape: Shape, mean: number, deviation: number): void {
    const data = Float64Array.from({ length: sizeOf(shape) }, () => mean + deviation * this.random.normal());
    this.weights.set(name, { shape, data });
  }

  constant(name: string, shape: Shape, value: number): void {
    this.weights.set(name, { shape, data: new Float64Array(sizeOf(shape)).fill(value) });
  }

  layer(
    prefix: string,
    input: number,
    output: number,
    options: { bias?: boolean; idt?: boolean } = {},
  ): void {
    this.normal(`${prefix}.matrix`, [input, output], 0, 1 / Math.sqrt(input + output));
    if (options.bias !== false) this.normal(`${prefix}.bias`, [output], 0, 1);
    if (options.idt === true) this.normal(`${prefix}.idt`, [output], 0.1, 0.001);
  }

  /** Layers input -> widths[0] -> widths[1] ... */
  chain(prefix: string, input: number, widths: readonly number[], hasIdt: (l: number) => boolean): void {
    widths.forEach((output, l) => {
      this.layer(`${prefix}.${l}`, l === 0 ? input : widths[l - 1], output, { idt: hasIdt(l) });
    });
  }
}

/** What the data say before any training. */
export interface DataStatistics {
  readonly environment: EnvironmentStatistics;
  /** By type: energies, and deviations of what they leave. */
  readonly energy: { readonly bias: Float64Array; readonly deviation: Float64Array };
  readonly parameters: ParameterStatistics;
}

/** First weights of an energy model. `seed` is used where a section names none. */
export function initialWeights(model: ModelConfig, data: DataStatistics, seed: number): Weights {
  const settings = descriptorSettings(model);
  const draw = new WeightDrawer(model.descriptor.seed ?? seed, streams.descriptor);
  const width = settings.kind === "se_atten" ? drawSeAtten(draw, settings) : drawSeE2A(draw, settings);
  drawFitting(draw, model, width, seed);
  const { weights } = draw;
  const { typeCount } = settings;
  const put = (name: string, values: Float64Array, shape: Shape = [values.length]): void => {
    if (values.length > 0) weights.set(name, { shape, data: values });
  };
  const block = descriptorBlocks[settings.kind];
  put(`${block}.mean`, data.environment.mean, [typeCount, 4]);
  put(`${block}.stddev`, data.environment.stddev, [typeCount, 4]);
  put("fitting_net.bias_atom_e", new Float64Array(typeCount));
  for (const name of ["fparam", "aparam"] as const) {
    put(`fitting_net.${name}_avg`, data.parameters[name].mean);
    put(`fitting_net.${name}_inv_std`, data.parameters[name].scale);
  }
  put("out_bias", data.energy.bias);
  put("out_std", data.energy.deviation);
  return weights;
}

/** The layers of an embedding net that have a time step. */
function stepsOfEmbedding(
  { neuron, resnetDt }: { readonly neuron: readonly number[]; readonly resnetDt: boolean },
  input: number,
): (l: number) => boolean {
  return (l) => resnetDt && qualifiesForResidual(l === 0 ? input : neuron[l - 1], neuron[l]);
}

/** @returns the width of the descriptor */
function drawSeAtten(draw: WeightDrawer, s: SeAttenSettings): number {
  const typeInput = s.econf ? configurationWidth : s.typeCount;
  s.typeNet.neuron.forEach((output, l) => {
    const from = l === 0 ? typeInput : s.typeNet.neuron[l - 1];
    const idt = s.typeNet.resnetDt && qualifiesForResidual(from, output);
    draw.layer(`${typeLayers}.${l}`, from, output, { bias: s.tebdBias, idt });
  });
  const typesWidth = s.typeOneSide ? s.tebdDim : 2 * s.tebdDim;
  const block = descriptorBlocks.se_atten;
  const chain = (name: string, input: number): void =>
    draw.chain(`${block}.${name}.networks.0.layers`, input, s.neuron, stepsOfEmbedding(s, input));
  chain("filter_layers", s.stripMode ? 1 : 1 + typesWidth);
  if (s.stripMode) chain("filter_layers_strip", typesWidth);
  const width = s.neuron[s.neuron.length - 1];
  for (let k = 0; k < s.attentionLayers; k++) {
    const layer = `${block}.dpa1_attention.attention_layers.${k}`;
    draw.layer(`${layer}.attention_layer.in_proj`, width, 3 * s.attentionWidth);
    draw.layer(`${layer}.attention_layer.out_proj`, s.attentionWidth, width);
    draw.constant(`${layer}.attn_layer_norm.matrix`, [width], 1);
    draw.constant(`${layer}.attn_layer_norm.bias`, [width], 0);
  }
  return width * s.axisNeuron + (s.concatOutputTebd ? s.tebdDim : 0);
}

/** @returns the width of the descriptor */
function drawSeE2A(draw: WeightDrawer, s: SeE2ASettings): number {
  const nets = s.typeOneSide ? s.typeCount : s.typeCount * s.typeCount;
  for (let net = 0; net < nets; net++)
    draw.chain(
      `${descriptorBlocks.se_e2_a}.filter_layers.networks.${net}.layers`,
      1,
      s.neuron,
      stepsOfEmbedding(s, 1),
    );
  return s.neuron[s.neuron.length - 1] * s.axisNeuron;
}

function drawFitting(draw: WeightDrawer, model: ModelConfig, width: number, seed: number): void {
  const { neuron, parameters, resnetDt, rules, sharedNet, typeCount } = fittingSettings(model);
  draw.start(model.fitting_net.seed ?? seed, streams.fitting);
  const input = width + parameters.fparam + parameters.aparam;
  const hasStep = (l: number): boolean => {
    const from = l === 0 ? input : neuron[l - 1];
    const residual = rules === "tf" ? l > 0 && from === neuron[l] : qualifiesForResidual(from, neuron[l]);
    return resnetDt && residual;
  };
  for (let net = 0; net < (sharedNet ? 1 : typeCount); net++) {
    const layers = `fitting_net.filter_layers.networks.${net}.layers`;
    draw.chain(layers, input, neuron, hasStep);
    draw.layer(`${layers}.${neuron.length}`, neuron[neuron.length - 1] ?? input, 1);
  }
}
