import { describe, expect, it } from "vitest";
import type { MetricsRow } from "../../src/train/deepmd/metrics-file.js";
import { formatReport } from "../../src/train/report/report.js";
import type { Parity, ReportData } from "../../src/train/report/report-data.js";
import { linearAxis, logAxis } from "../../src/train/report/svg.js";

function parity(count: number): Parity {
  const label = Float64Array.from({ length: count }, (_, k) => Math.sin(k) * 3);
  return { label, predicted: label.map((v, k) => v + 0.1 * Math.cos(7 * k)) };
}

const curve: MetricsRow[] = Array.from({ length: 100 }, (_, k) => {
  const errors = { rmse: 1, rmse_e: 0.5 / (k + 1), rmse_f: k % 7 === 0 ? 0 : 2 / (k + 1), rmse_v: NaN };
  return { step: 30 * k + 1, lr: 1e-3, training: errors, validation: errors };
});

const data: ReportData = {
  title: "Alloys <&>",
  verdict: "force RMSE 0.4 eV/Å",
  summary: [{ quantity: "force", unit: "eV/Å", rmse: 0.4, spread: 1.2, constant: 1.2, limit: 0.5 }],
  curve,
  energy: parity(13),
  force: parity(200_000),
  elements: [{ element: "Nb", atoms: 1000, mae: 0.3, rmse: 0.4, labelRms: 1.2 }],
  settings: [["rcut", "5 Å"]],
  machine: [["cpu", '"Xeon" <two>']],
};

/** Walks the tags: every one that is opened is closed, in order. */
function unclosedTags(html: string): string[] {
  const open: string[] = [];
  for (const [, close, name, empty] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^<>]*?(\/?)>/gi)) {
    if (empty === "/" || name === "meta") continue;
    if (close === "") open.push(name);
    else if (open.at(-1) === name) open.pop();
    else return [...open, `/${name}`];
  }
  return open;
}

describe("report", () => {
  const html = formatReport(data);

  it("closes every tag and escapes texts", () => {
    expect(unclosedTags(html)).toEqual([]);
    expect(html).toContain("<h1>Alloys &lt;&amp;&gt;</h1>");
    expect(html).toContain("&quot;Xeon&quot; &lt;two&gt;");
  });

  it("holds all figures and tables, with words for those who do not see them", () => {
    for (const id of ["curve-force", "curve-energy", "parity-energy", "parity-force"])
      expect(html).toMatch(new RegExp(`<svg id="${id}"[^>]* role="img" aria-label="[^"]{20,}"`));
    for (const id of ["summary", "elements", "settings", "machine"])
      expect(html).toContain(`<table id="${id}">`);
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("needs nothing from elsewhere and stays below 1 MB with 200,000 force components", () => {
    expect(html).not.toMatch(/https?:|<script|<link|<img|@import|url\(/);
    expect(html.length).toBeLessThan(1_000_000);
  });

  it("marks a limit that is not met", () => {
    expect(html).toContain('class="verdict good"');
    const bad = { ...data, summary: [{ ...data.summary[0], rmse: 0.6 }] };
    expect(formatReport(bad)).toContain('class="verdict bad"');
  });

  it("leaves out what there are no data for", () => {
    const bare = formatReport({ ...data, curve: [], energy: undefined, force: undefined, elements: [] });
    expect(bare).not.toContain("<svg");
    expect(unclosedTags(bare)).toEqual([]);
  });
});

describe("axes", () => {
  it("mark round numbers inside their range", () => {
    expect(linearAxis(0, 3000, 0, 100).ticks).toEqual([0, 1000, 2000, 3000]);
    expect(linearAxis(0, 3000, 0, 100).at(1500)).toBe(50);
    expect(logAxis([0.1, 1], 100, 0).ticks).toEqual([0.1, 0.2, 0.5, 1]);
    expect(logAxis([], 100, 0).ticks.length).toBeGreaterThan(0);
  });
});
