import { fittingInput, outName } from "./tf-fitting.js";
import { type Named, netWidths, plain, putNet, slotStatistics } from "./tf-layers.js";
import { environmentSettings } from "./tf-se-e2-a.js";
import type { TfSource } from "./tf-source.js";

const block = "descriptor.se_atten";
const defaultNormEps = 1e-3;

type Section = Record<string, unknown>;

/** The `descriptor` and `type_embedding` sections of a graph with `se_atten`, as in an input; puts its weights. */
export function tfSeAtten(source: TfSource, to: Named): Record<"descriptor" | "type_embedding", Section> {
  const script = source.section("descriptor");
  const smooth = script.smooth_type_embedding ?? script.smooth_type_embdding ?? script.type === "se_atten_v2";
  const typeNet = typeEmbedding(source, to);
  const tebd = typeNet.neuron[typeNet.neuron.length - 1];
  const neuron = netWidths(source, "filter_type_all", "");
  if (neuron.length === 0)
    throw source.bad("no embedding net (filter_type_all/matrix_1); a compressed graph cannot be read");
  putNet(source, to, `${block}.filter_layers.networks.0`, "filter_type_all", "", neuron.length);
  const strip = ["_two_side_ebd", "_one_side_ebd"].find((suffix) =>
    source.has(`filter_type_all/matrix_1${suffix}`),
  );
  if (strip !== undefined)
    putNet(source, to, `${block}.filter_layers_strip.networks.0`, "filter_type_all", strip, neuron.length);
  to.set(`${block}.mean`, slotStatistics(source, "descrpt_attr/t_avg"));
  to.set(`${block}.stddev`, slotStatistics(source, "descrpt_attr/t_std"));
  const first = source.array("filter_type_all/matrix_1");
  const attended = attention(source, to, script);
  if (Array.isArray(script.exclude_types) && script.exclude_types.length > 0) {
    if (attended.attn_layer > 0 && !source.has(outName(source, "t_out_bias")))
      throw source.bad(
        "se_atten with exclude_types of a version before 3, in which excluded neighbours take part in the attention, is not supported",
      );
    if (smooth === true && to.get(`${block}.mean`)!.data.some((x) => x !== 0))
      throw source.bad(
        "smooth se_atten with exclude_types and a mean that is not 0, which gives excluded neighbours rows of their own, is not supported",
      );
  }
  const descriptor = {
    ...environmentSettings(source),
    ...attended,
    type: "se_atten",
    neuron,
    axis_neuron: (fittingInput(source, true) - tebd) / neuron[neuron.length - 1],
    activation_function: script.activation_function ?? source.activationIn("filter_type_all/"),
    resnet_dt: [...source.arrays.keys()].some((name) => /^filter_type_all\/idt_/.test(name)),
    type_one_side: strip === undefined ? first.shape[0] === 1 + tebd : strip === "_one_side_ebd",
    tebd_input_mode: strip === undefined ? "concat" : "strip",
    precision: first.dtype,
    trainable: script.trainable ?? true,
    exclude_types: script.exclude_types ?? [],
    set_davg_zero: script.set_davg_zero ?? true,
    smooth_type_embedding: smooth,
    tebd_dim: tebd,
    use_econf_tebd: typeNet.use_econf_tebd,
    use_tebd_bias: typeNet.use_tebd_bias,
    concat_output_tebd: true,
  };
  return { descriptor, type_embedding: { ...typeNet } };
}

/** The net of types, with all its layers: training can go on from it. */
function typeEmbedding(
  source: TfSource,
  to: Named,
): {
  readonly neuron: readonly number[];
  readonly use_econf_tebd: boolean;
  readonly use_tebd_bias: boolean;
} & Section {
  const scope = "type_embed_net";
  const neuron = netWidths(source, scope, "");
  if (neuron.length === 0) throw source.bad(`no type embedding (${scope}/matrix_1)`);
  putNet(source, to, "descriptor.type_embedding.embedding.embedding_net", scope, "", neuron.length);
  const script = source.section("type_embedding");
  return {
    neuron,
    activation_function: source.activationIn(`${scope}/`),
    resnet_dt: [...source.arrays.keys()].some((name) => name.startsWith(`${scope}/idt_`)),
    precision: source.array(`${scope}/matrix_1`).dtype,
    trainable: script.trainable ?? true,
    use_econf_tebd: script.use_econf_tebd === true,
    use_tebd_bias: source.has(`${scope}/bias_1`),
  };
}

/** Attention layers: queries, keys and values side by side. TensorFlow's logits are not scaled. */
function attention(
  source: TfSource,
  to: Named,
  script: Record<string, unknown>,
): Record<string, unknown> & { readonly attn_layer: number } {
  let layers = 0;
  let hidden = 1;
  for (; source.has(`attention_layer_${layers}/c_query/matrix`); layers++) {
    const scope = `attention_layer_${layers}`;
    const target = `${block}.dpa1_attention.attention_layers.${layers}`;
    const parts = ["c_query", "c_key", "c_value"];
    const matrices = parts.map((part) => source.array(`${scope}/${part}/matrix`));
    const [width, own] = matrices[0].shape;
    hidden = own;
    const matrix = new Float64Array(width * 3 * hidden);
    matrices.forEach(({ data }, part) => {
      for (let row = 0; row < width; row++)
        matrix.set(data.subarray(row * hidden, (row + 1) * hidden), row * 3 * hidden + part * hidden);
    });
    const bias = parts.flatMap((part) => [...source.array(`${scope}/${part}/bias`).data]);
    to.set(`${target}.attention_layer.in_proj.matrix`, { shape: [width, 3 * hidden], data: matrix });
    to.set(`${target}.attention_layer.in_proj.bias`, { shape: [3 * hidden], data: Float64Array.from(bias) });
    to.set(`${target}.attention_layer.out_proj.matrix`, plain(source.array(`${scope}/c_out/matrix`)));
    to.set(`${target}.attention_layer.out_proj.bias`, plain(source.array(`${scope}/c_out/bias`)));
    const norm = `${scope}/layer_normalization`;
    to.set(`${target}.attn_layer_norm.matrix`, plain(source.array(named(source, norm, "gamma"))));
    to.set(`${target}.attn_layer_norm.bias`, plain(source.array(named(source, norm, "beta"))));
  }
  const eps = [...source.arrays].find(([name]) =>
    /^attention_layer_0\/layer_normalization\/(batchnorm\/)?add\/y$/.test(name),
  );
  return {
    attn: hidden,
    attn_layer: layers,
    attn_dotr: script.attn_dotr ?? true,
    attn_mask: script.attn_mask ?? false,
    ln_eps: eps?.[1].data[0] ?? defaultNormEps,
    temperature: 1,
    scaling_factor: 1,
    normalize: true,
  };
}

/** A constant whose scope may be numbered: `layer_normalization_1/gamma`. */
function named(source: TfSource, scope: string, part: string): string {
  const found = [...source.arrays.keys()].find(
    (name) =>
      name.startsWith(scope) && name.endsWith(`/${part}`) && /^(_\d+)?\//.test(name.slice(scope.length)),
  );
  if (found === undefined) throw source.bad(`the constant ${scope}/${part} is missing; the graph is damaged`);
  return found;
}
