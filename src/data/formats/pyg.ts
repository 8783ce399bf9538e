import { isTorchStream } from "../pickle/torch-stream.js";
import { readPickleFile } from "../pickle/index.js";
import type { PickleValue } from "../pickle/index.js";
import { AtomgradError } from "../../tensor/error.js";
import { openFile, withFile } from "../read-file.js";
import type { ByteSource } from "../read-file.js";
import { graphStructure } from "../records/graph-structure.js";
import { holdsPygRecords } from "../records/pyg.js";
import { pygRecords } from "../records/pyg-records.js";
import type { Structure } from "../structure.js";
import { readTorchZip } from "../weights/torch.js";
import { isZip } from "../zip.js";
import type { StructureFormat } from "./format.js";

/** A plain pickle of PyG `Data` objects: one, or a list of them. */
export const pygPickle: StructureFormat = {
  name: "pyg-pickle",
  extensions: [".pkl", ".pickle"],
  sniff: ({ path, isFolder, bytes }) => !isFolder && bytes[0] === 0x80 && sniffed(path, false),
  read: (path) => readRecords(path),
};

/** A file of torch.save that holds PyG objects: `Data`, a list, a `Batch`, or a saved InMemoryDataset. */
export const pygPt: StructureFormat = {
  name: "pyg-pt",
  extensions: [".pt", ".pth"],
  sniff: ({ path, isFolder, text }) =>
    !isFolder && /^(?:PK\u0003\u0004|\uFFFD\u0002\uFFFD\n)/.test(text) && sniffed(path, true),
  read: (path) => readRecords(path),
};

/** Whether a file holds PyG objects, in torch.save's container or as a plain pickle. */
function sniffed(path: string, torch: boolean): boolean {
  try {
    return withFile(path, (source) => {
      const isTorch = isZip(source) || isTorchStream(source);
      return isTorch === torch && holdsPygRecords(readRoot(source));
    });
  } catch (error) {
    if (error instanceof AtomgradError) return false;
    throw error;
  }
}

function readRoot(source: ByteSource): PickleValue {
  return isZip(source) ? readTorchZip(source, "data").root : readPickleFile(source, "data");
}

function* readRecords(path: string): Generator<Structure> {
  const file = openFile(path);
  try {
    let k = 0;
    for (const record of pygRecords(readRoot(file), file.name))
      yield graphStructure(record, `${file.name}, record ${k++}`);
  } finally {
    file.close();
  }
}
