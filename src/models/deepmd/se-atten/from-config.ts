import { AtomgradError } from "../../../tensor/error.js";
import type { DType } from "../../../tensor/dtype.js";
import type { ModelConfig } from "../config/deepmd-input.js";
import type { SeAttenConfig } from "../config/schema-model.js";
import type { FittingSettings } from "../energy-fitting.js";
import type { SeAttenSettings } from "./settings.js";

const defaultNormEps = 1e-5;

/**
 * The settings of a `se_atten` energy model, `sel` resolved to a number.
 *
 * Errors: CONFIG, in one sentence, for sections this model does not compute.
 */
export function seAttenSettings(model: ModelConfig): SeAttenSettings {
  const descriptor = seAttenConfig(model);
  const typeMap = model.type_map;
  if (typeMap === null)
    throw new AtomgradError("CONFIG", 'model.type_map is missing; name the types, such as ["O", "H"]');
  const { sel } = descriptor;
  if (typeof sel === "string")
    throw new AtomgradError(
      "CONFIG",
      `model.descriptor.sel is "${sel}"; it must be resolved to a number first`,
    );
  return {
    typeCount: typeMap.length,
    typeMap,
    rcut: descriptor.rcut,
    rcutSmooth: descriptor.rcut_smth,
    protection: descriptor.env_protection,
    sel: typeof sel === "number" ? sel : sel.reduce((a, b) => a + b, 0),
    neuron: descriptor.neuron,
    axisNeuron: descriptor.axis_neuron,
    activation: descriptor.activation_function,
    resnetDt: descriptor.resnet_dt,
    typeOneSide: descriptor.type_one_side,
    excludeTypes: descriptor.exclude_types,
    removedPairs: model.pair_exclude_types,
    silentTypes: model.atom_exclude_types,
    tebdDim: descriptor.tebd_dim,
    tebdBias: descriptor.use_tebd_bias,
    econf: descriptor.use_econf_tebd,
    stripMode: descriptor.tebd_input_mode === "strip",
    smooth: descriptor.smooth_type_embedding,
    concatOutputTebd: descriptor.concat_output_tebd,
    attentionLayers: descriptor.attn_layer,
    attentionWidth: descriptor.attn,
    dotr: descriptor.attn_dotr,
    normalize: descriptor.normalize,
    scalingFactor: descriptor.scaling_factor,
    temperature: descriptor.temperature,
    trainableNorm: descriptor.trainable_ln,
    normEps: descriptor.ln_eps ?? defaultNormEps,
    setDavgZero: descriptor.set_davg_zero,
  };
}

/** The descriptor section as `se_atten`. Errors: CONFIG. */
export function seAttenConfig(model: ModelConfig): SeAttenConfig {
  const { descriptor } = model;
  if (descriptor.type === "se_e2_a")
    throw new AtomgradError(
      "CONFIG",
      "model.descriptor.type se_e2_a is not computed by this version; se_atten, dpa1 and se_atten_v2 are",
    );
  return descriptor;
}

/** The settings of the fitting net. Errors: CONFIG for inputs it does not have yet. */
export function fittingSettings(model: ModelConfig): FittingSettings {
  const fitting = model.fitting_net;
  const unsupported = [
    fitting.numb_fparam > 0 && "numb_fparam",
    fitting.numb_aparam > 0 && "numb_aparam",
    fitting.dim_case_embd > 0 && "dim_case_embd",
    fitting.atom_ener.some((energy) => energy !== null) && "atom_ener",
  ].find((key) => key !== false);
  if (unsupported !== undefined)
    throw new AtomgradError(
      "CONFIG",
      `model.fitting_net.${unsupported} is not computed by this version; leave it out`,
    );
  return {
    typeCount: model.type_map?.length ?? 0,
    neuron: fitting.neuron,
    activation: fitting.activation_function,
    resnetDt: fitting.resnet_dt,
  };
}

/** The number type of a net (`default` is double precision, as in DeePMD-kit). */
export function precisionType(precision: string): DType {
  return precision === "float32" ? "f32" : "f64";
}
