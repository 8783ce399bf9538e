import { writeFileSync } from "node:fs";
import * as h5wasm from "h5wasm";
import type { DeepmdSystem } from "../../src/data/deepmd-system.js";

/** Systems as groups of an HDF5 file. */
export async function writeHdf5(path: string, groups: Record<string, DeepmdSystem>): Promise<void> {
  const module = await h5wasm.ready;
  const file = new h5wasm.File("/made.h5", "w");
  for (const [name, system] of Object.entries(groups)) {
    const { atomCount: n, frameCount: nf, labels } = system;
    const group = file.create_group(name);
    group.create_dataset({ name: "type.raw", data: new Int32Array(n) });
    group.create_dataset({ name: "type_map.raw", data: [...system.typeMap!] });
    const set = group.create_group("set.000");
    const put = (key: string, data: Float64Array, width: number): unknown =>
      set.create_dataset({ name: `${key}.npy`, data, shape: [nf, width], dtype: "<d" });
    put("coord", system.positions, 3 * n);
    put("box", system.cells!, 9);
    put("real_atom_types", Float64Array.from(system.types), n);
    for (const key of ["energy", "force"] as const) put(key, labels[key]!.data, labels[key]!.width);
  }
  file.close();
  writeFileSync(path, module.FS.readFile("/made.h5"));
}
