import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { families } from "../../kernels/cases.generated.js";
import { type Answer, findChromium, reportOf } from "./chromium.js";
import type { PageReport } from "./report.js";

const chromium = findChromium();
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
/** It takes 15 s on two idle cores. */
const longest = 100_000;

const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>atomgrad: operations on WebGPU</title>
<style>
  body { font: 14px system-ui, sans-serif; margin: 2em }
  td, th { padding: 0.15em 0.8em; text-align: left }
  .bad { background: #fbb }
</style>
<h1>Operations on WebGPU</h1>
<p>Adapter: <span id="adapter">none yet</span>. Differences from the float64 reference are in units of what is allowed.</p>
<table>
  <thead><tr><th>operation<th>derivatives<th>samples<th>difference<th>ms<th></tr></thead>
  <tbody></tbody>
</table>
<script type="module" src="/page.mjs"></script>
</html>`;

interface Bundler {
  readonly bundleForBrowser: (entry: string, options?: object) => Promise<string>;
}

async function bundle(entry: string, options?: object): Promise<string> {
  const script = path("../../tools/bundle-browser.mjs");
  const { bundleForBrowser } = (await import(/* @vite-ignore */ script)) as Bundler;
  return bundleForBrowser(path(entry), options);
}

describe("the browser bundle", () => {
  let text: string;
  beforeAll(async () => {
    text = await bundle("../../src/browser.ts");
  });

  it("imports nothing of Node and nothing from elsewhere", () => {
    expect(text.match(/\brequire\(|\bfrom\s*"|\bimport\s*"|["']node:/g) ?? []).toEqual([]);
  });

  it("holds one operation when one is used", async () => {
    const one = await bundle("../../src/browser.ts", {
      entryPoints: undefined,
      stdin: {
        contents: 'export { segmentSum, openWebGpu } from "./browser.ts";',
        resolveDir: path("../../src"),
      },
    });
    expect(one).toContain("segmentSum");
    expect(one).not.toContain("harmonicsPull");
    expect(one.length).toBeLessThan(0.6 * text.length);
  });
});

describe.skipIf(chromium === undefined)(
  `a page on WebGPU in headless Chromium${chromium === undefined ? " (no Chromium found)" : ""}`,
  () => {
    let report: PageReport;
    beforeAll(async () => {
      const script = (code: string): Answer => ({ type: "text/javascript", text: code });
      const answers = new Map([
        ["/", { type: "text/html", text: html }],
        ["/page.mjs", script(await bundle("page.ts"))],
        ["/atomgrad.mjs", script(await bundle("../../src/browser.ts"))],
      ]);
      report = (await reportOf(chromium!, answers, longest)) as PageReport;
      if (report.failure !== undefined) throw new Error(`the page failed: ${report.failure}`);
    }, longest + 30_000);

    it("runs every operation with its derivatives as the float64 reference has them", () => {
      const wrong = report.operations.filter(({ worst, error }) => !(worst <= 1) || error !== undefined);
      expect(wrong).toEqual([]);
      const names = Object.entries(families).flatMap(([family, cases]) =>
        cases.map((c) => `${family}/${c.op}`),
      );
      expect(report.operations.map(({ name }) => name)).toEqual(names);
      for (const { name, samples } of report.operations) expect(samples, name).toBeGreaterThan(0);
    });

    it("shows them in a table", () => {
      expect(report.rowsShown).toBe(report.operations.length);
    });

    it("trains with the bundle as it is shipped", () => {
      const { devices, losses } = report.bundle;
      expect(devices).toEqual(["webgpu", "reference"]);
      expect(losses[0]).toBeGreaterThan(0.05);
      expect(losses.at(-1)!).toBeLessThan(0.01 * losses[0]);
    });

    it("finds the neighbours on WebGPU that TypeScript finds", () => {
      const { pairs, same } = report.bundle.neighbours;
      expect(same).toBe(true);
      expect(pairs).toBeGreaterThan(1000);
    });
  },
);
