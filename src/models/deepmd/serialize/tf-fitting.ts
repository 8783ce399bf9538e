import { type Named, putLayer } from "./tf-layers.js";
import type { TfSource } from "./tf-source.js";

/** The `fitting_net` section of a graph; puts its weights. */
export function tfFitting(
  source: TfSource,
  to: Named,
  types: number,
  shared: boolean,
): Record<string, unknown> {
  const scope = (layer: string, type: number): string => (shared ? layer : `${layer}_type_${type}`);
  const neuron: number[] = [];
  while (source.has(`${scope(`layer_${neuron.length}`, 0)}/matrix`))
    neuron.push(source.array(`${scope(`layer_${neuron.length}`, 0)}/matrix`).shape[1]);
  const nets = shared ? 1 : types;
  for (let net = 0; net < nets; net++) {
    const put = (layer: string, l: number): void => {
      const place = scope(layer, net);
      const names = { matrix: `${place}/matrix`, bias: `${place}/bias`, idt: `${place}/idt` };
      putLayer(source, to, `fitting_net.filter_layers.networks.${net}.layers.${l}`, names);
    };
    neuron.forEach((_, l) => put(`layer_${l}`, l));
    put("final_layer", neuron.length);
  }
  const constants: [string, string, number][] = [
    ["fitting_net.bias_atom_e", "fitting_attr/t_bias_atom_e", 0],
    ["out_bias", outName(source, "t_out_bias"), 0],
    ["out_std", outName(source, "t_out_std"), 1],
  ];
  for (const [name, constant, fallback] of constants) {
    const data = source.has(constant) ? source.array(constant).data : new Float64Array(types).fill(fallback);
    to.set(name, { shape: [types], data });
  }
  const [fparam, aparam] = [source.whole("fitting_attr/dfparam", 0), source.whole("fitting_attr/daparam", 0)];
  for (const [kind, count] of [["fparam", fparam] as const, ["aparam", aparam] as const]) {
    if (count === 0) continue;
    for (const [ours, theirs] of [["avg", "avg"] as const, ["inv_std", "istd"] as const]) {
      const { data } = source.array(`fitting_attr/t_${kind}_${theirs}`);
      to.set(`fitting_net.${kind}_${ours}`, { shape: [count], data });
    }
  }
  const script = source.section("fitting_net");
  const first = scope("layer_0", 0);
  const within = source.activationIn(`${first}/`);
  return {
    type: script.type ?? "ener",
    numb_fparam: fparam,
    numb_aparam: aparam,
    neuron,
    activation_function:
      script.activation_function ?? (within === "linear" ? source.activationAtTop() : within),
    precision: source.array(`${neuron.length > 0 ? first : scope("final_layer", 0)}/matrix`).dtype,
    resnet_dt: [...source.arrays.keys()].some((name) => /^layer_\d+(_type_\d+)?\/idt$/.test(name)),
    trainable: script.trainable ?? true,
    rcond: script.rcond ?? null,
    atom_ener: script.atom_ener ?? [],
  };
}

/** Versions 3.0 to 3.2 write the scope once or twice. */
export function outName(source: TfSource, name: string): string {
  const doubled = `model_attr/model_attr/${name}`;
  return source.has(doubled) ? doubled : `model_attr/${name}`;
}

/** Width of what the fitting net reads beside parameters. */
export function fittingInput(source: TfSource, shared: boolean): number {
  const last = shared ? "" : "_type_0";
  const first = source.has(`layer_0${last}/matrix`) ? `layer_0${last}/matrix` : `final_layer${last}/matrix`;
  const parameters = source.whole("fitting_attr/dfparam", 0) + source.whole("fitting_attr/daparam", 0);
  return source.array(first).shape[0] - parameters;
}
