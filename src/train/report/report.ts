import { learningCurve } from "./learning-curve.js";
import { parityPlot } from "./parity-plot.js";
import type { ReportData } from "./report-data.js";
import { style } from "./style.js";
import { escapeText, shortNumber } from "./svg.js";

/** A report as one HTML file that needs nothing beside itself: no script, no font, no image from elsewhere. */
export function formatReport(data: ReportData): string {
  const passed = data.summary.every(({ limit, rmse }) => limit === undefined || rmse <= limit);
  const verdict = `<p class="verdict ${passed ? "good" : "bad"}"><strong>${passed ? "✓" : "✗"}</strong> ${escapeText(data.verdict)}</p>`;
  const body = [
    `<h1>${escapeText(data.title)}</h1>`,
    verdict,
    summarySection(data),
    curveSection(data),
    paritySection(data),
    elementSection(data),
    listSection("Settings", data.settings),
    listSection("Machine", data.machine),
  ];
  return (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n' +
    `<title>${escapeText(data.title)}</title>\n<style>${style}</style>\n</head>\n` +
    `<body>\n<main>\n${body.filter((part) => part !== "").join("\n")}\n</main>\n</body>\n</html>\n`
  );
}

function summarySection({ summary }: ReportData): string {
  const withLimit = summary.some(({ limit }) => limit !== undefined);
  const head = [
    "On the test frames",
    "model, RMSE",
    "labels, std",
    "constant model, RMSE",
    ...(withLimit ? ["limit"] : []),
  ];
  const rows = summary.map((row) => [
    `${row.quantity}, ${row.unit}`,
    shortNumber(row.rmse),
    shortNumber(row.spread),
    shortNumber(row.constant),
    ...(withLimit ? [row.limit === undefined ? "–" : shortNumber(row.limit)] : []),
  ]);
  const note =
    "The constant model knows only the composition: a fixed energy per element, fitted to the training frames, and no forces.";
  return `<h2>Errors</h2>${table("summary", head, rows)}<p class="note" style="margin-top:8px">${note}</p>`;
}

function curveSection({ curve }: ReportData): string {
  const has = (key: "rmse_e" | "rmse_f"): boolean => curve.some((row) => row.training[key] > 0);
  const keys =
    '<span class="key" style="--c:var(--one)">training</span>' +
    (curve.some((row) => row.validation !== undefined)
      ? '<span class="key" style="--c:var(--two)">test frames</span>'
      : "");
  const one = (key: "rmse_e" | "rmse_f", id: string, name: string, unit: string): string =>
    has(key)
      ? `<figure><figcaption>${name}${keys}</figcaption>${learningCurve(curve, key, id, `RMSE, ${unit}`)}</figure>`
      : "";
  const figures =
    one("rmse_f", "curve-force", "Forces", "eV/Å") + one("rmse_e", "curve-energy", "Energy", "eV/atom");
  if (figures === "") return "";
  const note =
    "Thin: the batch of one step; thick: the running root mean square. Test frames were only watched, never trained on.";
  return `<h2>Learning curves</h2><div class="pair">${figures}</div><p class="note" style="margin-top:8px">${note}</p>`;
}

function paritySection({ energy, force }: ReportData): string {
  const figures =
    (energy === undefined
      ? ""
      : `<figure><figcaption>Energy per atom</figcaption>${parityPlot(energy, "parity-energy", "Energy per atom", "eV/atom")}</figure>`) +
    (force === undefined
      ? ""
      : `<figure><figcaption>Force components</figcaption>${parityPlot(force, "parity-force", "Force components", "eV/Å")}</figure>`);
  return figures === "" ? "" : `<h2>Predicted and reference</h2><div class="pair">${figures}</div>`;
}

function elementSection({ elements }: ReportData): string {
  if (elements.length === 0) return "";
  const rows = elements.map((row) => [
    row.element,
    row.atoms.toLocaleString("en"),
    shortNumber(row.rmse),
    shortNumber(row.mae),
    shortNumber(row.labelRms),
  ]);
  const head = ["Element", "atoms", "RMSE, eV/Å", "MAE, eV/Å", "rms of the labels, eV/Å"];
  return `<h2>Forces by element</h2>${table("elements", head, rows)}`;
}

function listSection(title: string, rows: readonly (readonly [string, string])[]): string {
  const cells = rows
    .map(
      ([name, value]) =>
        `<tr><th scope="row">${escapeText(name)}</th><td class="text">${escapeText(value)}</td></tr>`,
    )
    .join("");
  return `<h2>${title}</h2><div class="scroll"><table id="${title.toLowerCase()}"><tbody>${cells}</tbody></table></div>`;
}

/** A table whose second column, the figure that matters, stands out. */
function table(id: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const header = head.map((text) => `<th scope="col">${escapeText(text)}</th>`).join("");
  const body = rows.map(([first, ...rest]) => {
    const main = id === "summary" ? 0 : 1;
    const cells = rest.map((text, k) => `<td${k === main ? ' class="main"' : ""}>${escapeText(text)}</td>`);
    return `<tr><th scope="row">${escapeText(first)}</th>${cells.join("")}</tr>`;
  });
  return `<div class="scroll"><table id="${id}"><thead><tr>${header}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}
