"""What the heat map's page looks like."""

STYLE = """
:root { color-scheme: light dark; --paper: #f6f7f9; --card: #fff; --ink: #1f2328; --dim: #69727d; --rule: #e4e7eb;
  --accent: #0958c9; --hot: 14 95% 55%; --tag: #8a3ffc; --output: #0a6e5c; --comment: #8b949e; --strength: 46%;
  --track: #edf0f3; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --card: #151b23; --ink: #dde3ea; --dim: #8b96a3;
  --rule: #262d37; --accent: #6cb0ff; --hot: 16 90% 52%; --tag: #c7a4ff; --output: #5fd1b4; --comment: #6e7883;
  --strength: 52%; --track: #232b35; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 14px/1.5 system-ui, -apple-system, "Segoe UI",
  Roboto, "Helvetica Neue", Arial, sans-serif; }
code, .place, td.n, .time {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-variant-numeric: tabular-nums; }
header { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; align-items: center; gap: 8px 32px;
  padding: 10px 24px; background: var(--card); border-bottom: 1px solid var(--rule); }
h1 { margin: 0; font-size: 17px; letter-spacing: -.01em; }
.facts { display: flex; flex-wrap: wrap; gap: 4px 26px; }
.facts div { display: flex; flex-direction: column; line-height: 1.25; }
.facts b { font-size: 15px; font-variant-numeric: tabular-nums; }
.facts span, .choice span { color: var(--dim); font-size: 12px; }
.choice { margin-left: auto; display: flex; align-items: center; gap: 4px; }
.choice span { margin-right: 6px; }
button { font: inherit; font-size: 13px; padding: 3px 11px; color: var(--ink); background: none; cursor: pointer;
  border: 1px solid var(--rule); border-radius: 999px; }
button:hover { border-color: var(--dim); }
button[aria-pressed=true] { background: var(--ink); border-color: var(--ink); color: var(--card); }
main { max-width: 1320px; margin: 0 auto; padding: 20px 24px 60px; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 18px 16px;
  margin-bottom: 18px; scroll-margin-top: 72px; }
h2 { margin: 0 0 10px; font-size: 14px; }
h2 small { font-weight: 400; font-size: 12.5px; color: var(--dim); margin-left: 8px; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.hottest { list-style: none; margin: 0; padding: 0; }
.hottest a { display: grid; grid-template-columns: 58px 130px minmax(90px, max-content) 1fr; gap: 14px;
  align-items: center; color: inherit; padding: 2px 6px; border-radius: 6px; }
.hottest a:hover { background: var(--track); text-decoration: none; }
.hottest code { white-space: pre; overflow: hidden; text-overflow: ellipsis; font-size: 12.5px; }
.time { text-align: right; }
.place { color: var(--dim); font-size: 12.5px; }
.bar { display: block; height: 8px; background: var(--track); border-radius: 4px; overflow: hidden; }
.bar i { display: block; height: 100%; min-width: 2px; border-radius: 4px;
  background: hsl(calc(46 - 34 * var(--heat)) 92% 54%); }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 500; font-size: 12px; color: var(--dim); padding: 2px 10px;
  white-space: nowrap; }
td { padding: 2px 10px; vertical-align: top; }
.n { text-align: right; white-space: nowrap; }
td.n { font-size: 12px; }
.index td { border-top: 1px solid var(--rule); padding: 5px 10px; vertical-align: middle; }
.index .barcell { width: 30%; }
.scroll { overflow-x: auto; margin: 0 -18px -16px; padding-bottom: 10px; }
.source td.n { color: var(--dim); width: 1%; }
.source td:nth-child(1) { color: var(--ink); padding-left: 18px; }
.source td:nth-child(4) { border-right: 3px solid var(--rule); user-select: none; }
.source td { line-height: 20px; padding-top: 0; padding-bottom: 0; }
.source .code { white-space: pre; padding-right: 18px; }
.source .code code { font-size: 12.5px; }
tr.ran { --heat: var(--s); }
[data-heat=total] tr.ran { --heat: var(--t); }
[data-heat=hits] tr.ran { --heat: var(--h); }
tr.ran > td { background: hsl(calc(48 - 36 * var(--heat)) 95% 55% / calc(var(--strength) * var(--heat))); }
tr.ran > td:nth-child(4) {
  border-right-color: hsl(calc(48 - 36 * var(--heat)) 95% 52% / calc(25% + 75% * var(--heat))); }
tr:not(.ran) .code { opacity: .62; }
tr.unrun > td:nth-child(4) { border-right-style: dotted; border-right-color: var(--dim); }
tr:target > td { box-shadow: inset 0 1px 0 var(--accent), inset 0 -1px 0 var(--accent); }
tr { scroll-margin-top: 120px; }
.tag { color: var(--tag); } .output { color: var(--output); }
.comment { color: var(--comment); font-style: italic; }
.call { margin-left: 14px; font-size: 12px; padding: 0 8px; border: 1px solid var(--rule); border-radius: 999px;
  background: var(--card); }
.call::before { content: "→ "; color: var(--dim); }
.flame { display: block; width: 100%; height: auto; --flame-paper: transparent; }
.more { margin-left: 10px; font-size: 12px; color: var(--dim); }
.none { color: var(--dim); }
@media print { header { position: static; } .choice { display: none; } .scroll { overflow: visible; } }
"""

SCRIPT = """
for (const button of document.querySelectorAll('button[data-heat]')) button.onclick = () => {
  document.documentElement.dataset.heat = button.dataset.heat;
  for (const each of document.querySelectorAll('button[data-heat]'))
    each.setAttribute('aria-pressed', each === button);
};
"""
