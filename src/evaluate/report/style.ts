/** How the page looks: light and dark, on a screen and on paper. Colours are told apart by lightness as well as by hue. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --card: #f6f7f9; --line: #d9dde3; --ink: #1a1d21; --soft: #5a6370; --accent: #1f5fbf; --fill: #8fb4e8;
  --cover: 0.6;
}
@media (prefers-color-scheme: dark) {
  :root { --page: #14171b; --card: #1d2126; --line: #353b44; --ink: #e8eaed; --soft: #a3adb9; --accent: #8ab6ff; --fill: #3f6aa8; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 76rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 2.8rem 0 0.4rem; font-size: 1.2rem; }
h3 { margin: 0; font-size: 0.95rem; overflow-wrap: anywhere; }
p { margin: 0.3rem 0 0.9rem; max-width: 48rem; }
.soft, caption, figcaption, dt { color: var(--soft); }
.name { unicode-bidi: isolate; overflow-wrap: anywhere; }
.scroll { overflow: auto; border: 1px solid var(--line); border-radius: 8px; }
.tall { max-height: 42rem; }
table { border-collapse: separate; border-spacing: 0; min-width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.8rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: middle; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { position: sticky; top: 0; z-index: 2; background: var(--card); font-weight: 600; max-width: 14rem; }
thead .interval { max-width: none; }
tbody th { position: sticky; left: 0; z-index: 1; background: var(--page); font-weight: 500; min-width: 9rem; max-width: 18rem; }
thead th:first-child { left: 0; z-index: 3; }
.number { text-align: right; }
td.number { white-space: nowrap; }
.best { font-weight: 700; color: var(--accent); }
th button { all: unset; cursor: pointer; }
th button:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
th button::after { content: "\\a0↕"; color: var(--soft); font-weight: 400; }
th[aria-sort="ascending"] button::after { content: "\\a0↑"; color: var(--accent); }
th[aria-sort="descending"] button::after { content: "\\a0↓"; color: var(--accent); }
svg { display: block; }
td > code, td > details { display: inline-block; max-width: 22rem; }
td > .wide, td > details { min-width: 14rem; }
td svg { display: inline-block; vertical-align: middle; }
.interval { white-space: nowrap; }
.barred span { display: inline-block; min-width: 4rem; }
.track { fill: var(--line); } .fill { fill: var(--fill); } .best .fill { fill: var(--accent); }
.tick { stroke: var(--line); } .span { stroke: var(--accent); stroke-width: 2; } .dot { fill: var(--accent); }
.axis text { fill: var(--soft); font-size: 11px; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.15rem 1.2rem; margin: 0.6rem 0; }
dd { margin: 0; overflow-wrap: anywhere; }
code { font: 0.9em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
details summary { cursor: pointer; }
.slider { display: inline-flex; gap: 0.6rem; align-items: center; accent-color: var(--accent); }
article { margin: 0.9rem 0; padding: 0.9rem 1rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; break-inside: avoid; }
.why { margin-left: 0.5rem; font-weight: 400; color: var(--soft); }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: 0.8rem; margin: 0.6rem 0; }
figure { margin: 0; }
figcaption { margin-top: 0.2rem; font-size: 0.85rem; overflow-wrap: anywhere; }
.panel { border-radius: 4px; overflow: hidden; background: var(--photo) 0 0 / 100% 100%; }
.panel img { display: block; width: 100%; height: 100%; opacity: var(--cover); image-rendering: pixelated; }
.legend { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; margin: 0; padding: 0; list-style: none; font-size: 0.85rem; }
.swatch { display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.35em; border: 1px solid var(--line); border-radius: 2px; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .scroll, .tall { overflow: visible; max-height: none; border: 0; }
  thead th, tbody th { position: static; min-width: 0; }
  th, td { padding: 0.15rem 0.35rem; }
  #constants { font-size: 7pt; }
  td > .wide, td > details { min-width: 0; overflow-wrap: anywhere; }
  .panels { grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); }
  th button::after, .slider { display: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  tr, article { break-inside: avoid; }
}
`;
