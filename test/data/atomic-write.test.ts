import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  removeStaleTemporariesSync,
  writeFileAtomicSync,
  writeFilesAtomicSync,
} from "../../src/data/atomic-write.js";
import { errorOf } from "./expect-error.js";
import { put, temporaryFolder } from "./temporary-folder.js";

const folder = temporaryFolder();
let number = 0;

function freshFolder(): string {
  const path = join(folder, `case-${number++}`);
  mkdirSync(path);
  return path;
}

describe("atomic writing", () => {
  it("writes text, bytes and pieces, and leaves nothing else", () => {
    const here = freshFolder();
    writeFileAtomicSync(join(here, "a.txt"), "µ Å");
    writeFileAtomicSync(join(here, "b.bin"), Uint8Array.of(1, 2));
    writeFileAtomicSync(join(here, "c.bin"), [Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)]);
    expect(readFileSync(join(here, "a.txt"), "utf8")).toBe("µ Å");
    expect([...readFileSync(join(here, "c.bin"))]).toEqual([1, 2, 3]);
    expect(readdirSync(here).sort()).toEqual(["a.txt", "b.bin", "c.bin"]);
  });

  it("hands on what making the content throws, and blames the file for nothing but system calls", () => {
    const here = freshFolder();
    const broken = function* (): Generator<Uint8Array> {
      yield Uint8Array.of(1);
      throw new RangeError("of the reader");
    };
    expect(() => writeFileAtomicSync(join(here, "a.txt"), broken())).toThrow(new RangeError("of the reader"));
    expect(readdirSync(here)).toEqual([]);
    expect(errorOf(() => writeFileAtomicSync(here, "b")).message).toContain("cannot write");
  });

  it("replaces a file and keeps its mode and the link that names it", () => {
    const here = freshFolder();
    const target = put(join(here, "real.txt"), "old");
    chmodSync(target, 0o640);
    symlinkSync("real.txt", join(here, "link.txt"));
    writeFileAtomicSync(join(here, "link.txt"), "new");
    expect(readFileSync(target, "utf8")).toBe("new");
    expect(statSync(target).mode & 0o777).toBe(0o640);
    expect(readdirSync(here).sort()).toEqual(["link.txt", "real.txt"]);
  });

  it("makes missing folders", () => {
    const here = freshFolder();
    writeFileAtomicSync(join(here, "x/y/z.txt"), "deep");
    expect(readFileSync(join(here, "x/y/z.txt"), "utf8")).toBe("deep");
  });

  it("writes to a device in place", () => {
    writeFileAtomicSync("/dev/null", "gone");
    expect(statSync("/dev/null").isFile()).toBe(false);
  });

  it("leaves nothing of a group when one file cannot be written", () => {
    const here = freshFolder();
    put(join(here, "old.npy"), "kept");
    put(join(here, "wall"), "a file, not a folder");
    const files = [
      { path: join(here, "old.npy"), content: "changed" },
      { path: join(here, "new/deep/energy.npy"), content: "new" },
      { path: join(here, "wall/force.npy"), content: "impossible" },
    ];
    const error = errorOf(() => writeFilesAtomicSync(files));
    expect(error.code).toBe("FILE");
    expect(error.message).toMatch(/^force\.npy: cannot write .*not a folder/);
    expect(readFileSync(join(here, "old.npy"), "utf8")).toBe("kept");
    expect(readdirSync(here).sort()).toEqual(["old.npy", "wall"]);
  });

  it("names a folder in the way", () => {
    const here = freshFolder();
    expect(errorOf(() => writeFileAtomicSync(here, "x")).message).toMatch(/it is a folder; name a file/);
  });

  it.skipIf(process.getuid?.() === 0)(
    "does not replace a read-only file (skipped for root, who may write anything)",
    () => {
      const here = freshFolder();
      const path = put(join(here, "a.txt"), "old");
      chmodSync(path, 0o444);
      expect(errorOf(() => writeFileAtomicSync(path, "new")).message).toMatch(/permission denied/);
      expect(readFileSync(path, "utf8")).toBe("old");
    },
  );

  it("clears what killed processes of this machine left, and nothing else", () => {
    const here = freshFolder();
    writeFileAtomicSync(join(here, "a.txt"), "x");
    const pid = spawnSync(process.execPath, ["-e", ""]).pid;
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(hostname())) hash = Math.imul(hash ^ byte, 0x01000193);
    const mark = (hash >>> 0).toString(16).padStart(8, "0");
    const other = mark === "00000000" ? "00000001" : "00000000";
    const kept = [
      `.a.${mark}-${process.pid}-0123456789ab.tmp`,
      `.a.${other}-${pid}-0123456789ab.tmp`,
      ".a.tmp",
      "b.tmp",
    ];
    for (const name of [...kept, `.a.${mark}-${pid}-0123456789ab.tmp`]) writeFileSync(join(here, name), "");
    removeStaleTemporariesSync(here);
    expect(readdirSync(here).sort()).toEqual([...kept, "a.txt"].sort());
    removeStaleTemporariesSync(join(here, "missing"));
  });
});
