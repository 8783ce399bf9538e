import { readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import { detectFormat, filePart, fileStart, refuseUtf16 } from "../formats/detect.js";
import type { ReadNote, StructureFormat, StructureSample } from "../formats/format.js";
import { foreseenFrames, refusingUnforeseen } from "../formats/unforeseen.js";
import { readBeginning } from "../read-file.js";
import { openStructures } from "../structures.js";
import { gunzipBeginning, isGzip } from "../text/gzip.js";
import { otherReaders, type InspectOptions } from "./other-readers.js";
import { StructureSummary, type StructureReport } from "./structure-report.js";

/** Larger structure sets are sampled where their format allows it. */
const wholeBytes = 100e6;
const sampledFrames = 2000;
/** Frames are sampled up to so many atoms, whose nearest distances take half a second, but no fewer than `fewestFrames`. */
const sampledAtoms = 20_000;
const fewestFrames = 64;

/**
 * What a file holds, as plain data for JSON: a report of a structure set, or the tensors of a weight file.
 *
 * @throws AtomgradError FILE, FORMAT
 */
export async function inspectFile(path: string, options: InspectOptions = {}): Promise<object> {
  const start = fileStart(path);
  const format = await detectFormat(start);
  if (format !== null && format.sniff(start)) return inspectStructures(path, format);
  if (!start.isFolder)
    for (const reader of [...(options.readers ?? []), ...otherReaders]) {
      const report = await reader(path, options);
      if (report !== null) return report;
    }
  if (format !== null) return inspectStructures(path, format);
  refuseUtf16(start);
  throw new AtomgradError(
    "FORMAT",
    `${basename(resolve(filePart(path)))}: neither a structure file nor a weight file that is known; convert --from reads it if you know its format`,
  );
}

/** Length of a file, or of what a folder of systems or databases holds; links to folders are not followed. */
function bytesOf(path: string, depth = 0): number {
  const state = statSync(path, { throwIfNoEntry: false });
  if (state?.isDirectory() !== true) return state?.size ?? 0;
  if (depth > 8) return 0;
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || !isFolder(join(path, entry.name)))
    .reduce((sum, { name }) => sum + bytesOf(join(path, name), depth + 1), 0);
}

/** The same of a packed file after unpacking, reckoned from its beginning. */
function unpackedBytes(path: string): number {
  const size = bytesOf(path);
  // Nothing smaller can be that large: what packs better is refused.
  if (size < wholeBytes / 64 || isFolder(path)) return size;
  const start = readBeginning(path, 1 << 16);
  return isGzip(start) ? (gunzipBeginning(path, start)?.size ?? size) : size;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

async function inspectStructures(path: string, format: StructureFormat): Promise<StructureReport> {
  const name = basename(resolve(filePart(path)));
  const summary = new StructureSummary(format.name, format.electronVolts ?? false);
  if (format.sample !== undefined && unpackedBytes(filePart(path)) >= wholeBytes) {
    await format.prepare?.();
    const sample = refusingUnforeseen(name, () => sampleOf(path, format));
    if (sample !== null) {
      for (const structure of foreseenFrames(name, () => sample.structures)) summary.add(structure);
      return summary.report(sample.frames, sample.isEstimate, sample.isBeginning);
    }
  }
  const onNote: ReadNote = (text, kind) => summary.note(text, kind);
  const frames =
    format.describe === undefined
      ? (await openStructures(path, { format: format.name, onNote })).frames
      : foreseenFrames(name, () => format.describe!(path));
  for (const structure of frames) summary.add(structure);
  const report = summary.report();
  if (report.frames === 0)
    throw new AtomgradError("FORMAT", `${name}: holds no frame; check that the file is complete`);
  return report;
}

function sampleOf(path: string, format: StructureFormat): StructureSample | null {
  if (format.knowsSizes === true)
    return format.sample!(path, sampledFrames, { atoms: sampledAtoms, fewest: fewestFrames });
  const few = format.sample!(path, fewestFrames);
  if (few === null) return null;
  const structures = [...few.structures];
  const atoms = structures.reduce((sum, { atomicNumbers }) => sum + atomicNumbers.length, 0);
  const affordable = Math.floor((sampledAtoms * structures.length) / Math.max(1, atoms));
  if (affordable <= fewestFrames) return { ...few, structures };
  return format.sample!(path, Math.min(affordable, sampledFrames));
}
