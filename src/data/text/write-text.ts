import { writeFileAtomicSync } from "../atomic-write.js";
import { gzipPieces } from "./gzip.js";

const pieceLength = 1 << 18;

/** Writes texts one after the other as one file, atomically, as they are made; packed where the name ends in `.gz`. */
export function writeTextPieces(path: string, texts: Iterable<string>): void {
  const pieces = encoded(texts);
  writeFileAtomicSync(path, path.toLowerCase().endsWith(".gz") ? gzipPieces(pieces) : pieces);
}

function* encoded(texts: Iterable<string>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let waiting = "";
  for (const text of texts) {
    waiting += text;
    if (waiting.length < pieceLength) continue;
    yield encoder.encode(waiting);
    waiting = "";
  }
  yield encoder.encode(waiting);
}
