import { ndArray } from "./tree.js";
import type { NamedArray } from "./named-weights.js";
import type { TfSource } from "./tf-source.js";

/** Weights by DeePMD-kit's PyTorch names. */
export type Named = Map<string, NamedArray>;

/** Puts one layer; biases and time steps may be stored as rows. */
export function putLayer(
  source: TfSource,
  to: Named,
  target: string,
  names: { matrix: string; bias: string; idt: string },
): void {
  const matrix = source.array(names.matrix);
  if (matrix.shape.length !== 2) throw source.bad(`the constant ${names.matrix} is no matrix`);
  to.set(`${target}.matrix`, plain(matrix));
  for (const part of ["bias", "idt"] as const) {
    if (!source.has(names[part])) continue;
    const { data } = source.array(names[part]);
    to.set(`${target}.${part}`, { shape: [data.length], data });
  }
}

/** Widths of the layers `matrix_1`, `matrix_2`, ... of an embedding net. */
export function netWidths(source: TfSource, scope: string, suffix: string): number[] {
  const widths: number[] = [];
  while (source.has(`${scope}/matrix_${widths.length + 1}${suffix}`))
    widths.push(source.array(`${scope}/matrix_${widths.length + 1}${suffix}`).shape[1]);
  return widths;
}

/** Puts the layers of an embedding net. */
export function putNet(
  source: TfSource,
  to: Named,
  target: string,
  scope: string,
  suffix: string,
  layers: number,
): void {
  for (let l = 1; l <= layers; l++)
    putLayer(source, to, `${target}.layers.${l - 1}`, {
      matrix: `${scope}/matrix_${l}${suffix}`,
      bias: `${scope}/bias_${l}${suffix}`,
      idt: `${scope}/idt_${l}${suffix}`,
    });
}

/** t_avg or t_std [types, 4 slots] -> [types, 4]; slots must be equal, as training makes them. */
export function slotStatistics(source: TfSource, name: string): NamedArray {
  const { shape, data } = source.array(name);
  const [types, width] = shape;
  if (shape.length !== 2 || width < 4 || width % 4 !== 0)
    throw source.bad(`the constant ${name} has shape [${shape.join(", ")}]; [types, 4 slots] is needed`);
  const rows = ndArray([types, 4], new Float64Array(4 * types));
  for (let type = 0; type < types; type++)
    for (let k = 0; k < width; k++) {
      const value = data[type * width + k];
      if (k < 4) rows.data[4 * type + k] = value;
      else if (value !== rows.data[4 * type + (k % 4)])
        throw source.bad(
          `the constant ${name} differs between the slots of type ${type}; one row per type is supported`,
        );
    }
  return plain(rows);
}

export function plain({ shape, data }: NamedArray): NamedArray {
  return { shape, data };
}
