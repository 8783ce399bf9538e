/** The report's style sheet: light and dark by the reader's setting, one column on narrow screens. */
export const style = `
:root{color-scheme:light dark;--page:#f9f9f7;--card:#fcfcfb;--ink:#0b0b0b;--quiet:#52514e;--rule:#e1e0d9;--axis:#c3c2b7;--one:#2a78d6;--two:#c2500f;--good:#006300;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--page:#0d0d0d;--card:#1a1a19;--ink:#fff;--quiet:#c3c2b7;--rule:#2c2c2a;--axis:#52514e;--one:#5598e7;--two:#f08a55;--good:#4cc24c;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1040px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 4px}
h2{font-size:1.1rem;margin:36px 0 10px}
p{margin:0 0 10px;max-width:75ch}
.note{color:var(--quiet);font-size:.9rem}
.verdict{font-size:1.05rem}.verdict.good strong{color:var(--good)}.verdict.bad strong{color:var(--bad)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,360px),1fr));gap:16px}
figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:14px}
figcaption{font-weight:600;margin-bottom:4px}
svg{display:block;width:100%;height:auto}
.grid{stroke:var(--rule);fill:none}.axis{stroke:var(--axis);fill:none}
.tick{font-size:12px;fill:var(--quiet);font-variant-numeric:tabular-nums}.name{font-size:13px;fill:var(--quiet)}
.line{fill:none;stroke-width:2;stroke-linejoin:round}.one{stroke:var(--one)}.two{stroke:var(--two)}.faint{stroke-width:1;opacity:.3}
.dots{stroke:var(--one);stroke-width:6;stroke-linecap:round;opacity:.75}.shade{fill:var(--one)}
.diagonal{stroke:var(--quiet);stroke-dasharray:4 4;fill:none}
.key{font-weight:400;font-size:.85rem;color:var(--quiet);white-space:nowrap;margin-left:12px}
.key::before{content:"";display:inline-block;width:16px;height:3px;border-radius:2px;background:var(--c);margin-right:6px;vertical-align:middle}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--rule);border-radius:8px}
table{border-collapse:collapse;width:100%}
th,td{padding:8px 14px;text-align:right;border-top:1px solid var(--rule);font-variant-numeric:tabular-nums}
thead th{border-top:0;color:var(--quiet);font-weight:500;font-size:.9rem}
th:first-child,td.text{text-align:left}tbody th{font-weight:500}
tbody th{white-space:nowrap}td.text{overflow-wrap:anywhere}td.main{font-weight:650}
`;
