"""How the report looks: on a screen, on a telephone and on paper. Pure."""

from __future__ import annotations

from edge.report.markup import Markup

CSS = Markup("""
:root { --ink: #1c2128; --soft: #57606a; --line: #d8dee4; --paper: #fff; --ground: #f4f6f8;
  --blue: #1f5fbf; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
body { margin: 0 auto; max-width: 1120px; padding: 28px 20px 40px; background: var(--ground);
  color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", Arial,
  sans-serif; }
h1 { margin: 0 0 14px; font-size: 27px; line-height: 1.2; letter-spacing: -0.01em; }
h2 { margin: 34px 0 12px; font-size: 19px; }
h3 { margin: 0 0 10px; font-size: 17px; line-height: 1.35; }
h4 { margin: 14px 0 4px; font-size: 13px; color: var(--soft); font-weight: 600; }
h1, h2, h3, td, dd, .zone-name { overflow-wrap: anywhere; }
a { color: var(--blue); }
code { font: 13px/1.4 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
figure { margin: 0; }
figcaption, .note, small { color: var(--soft); font-size: 13px; }
footer { margin-top: 30px; padding-top: 12px; border-top: 1px solid var(--line); color: var(--soft);
  font-size: 13px; }
.top ul { display: flex; flex-wrap: wrap; gap: 10px; margin: 0; padding: 0; list-style: none; }
.top li { flex: 1 1 170px; padding: 10px 14px; background: var(--paper); border: 1px solid var(--line);
  border-radius: 8px; }
.top li b { display: block; font-size: 20px; line-height: 1.3; }
.top li span { color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
.top nav ol { display: block; columns: 260px; padding-left: 20px; margin-top: 14px; list-style: decimal; }
.top nav li { padding: 2px 0; background: none; border: 0; }
.models { margin: 10px 0 0; color: var(--soft); font-size: 12px; overflow-wrap: anywhere; }
.models span { display: block; }
.situation { display: grid; grid-template-columns: minmax(0, 1fr) 290px; gap: 24px; margin-top: 22px; }
.overview { position: relative; overflow: hidden; border-radius: 8px; background: #ccd2d8; }
.overview img { display: block; width: 100%; height: auto; }
.zones { position: absolute; inset: 0; width: 100%; height: 100%; fill: none; stroke: #fff;
  stroke-width: 1.6;
  stroke-dasharray: 7 4; filter: drop-shadow(0 0 1px #000); }
.zone-name { position: absolute; padding: 1px 7px; background: rgba(255, 255, 255, 0.85);
  border-radius: 3px;
  font-size: 12px; transform: translateY(-100%); }
.ring { position: absolute; width: 22px; height: 22px; margin: -11px 0 0 -11px; border: 3px solid;
  border-radius: 50%;
  box-shadow: 0 0 0 1.5px #fff, inset 0 0 0 1.5px #fff; }
.mark { position: absolute; line-height: 0; filter: drop-shadow(0 1px 2px rgba(0, 0, 0, 0.5)); }
.on-badge { fill: #fff; font: 700 13px system-ui, "Segoe UI", "DejaVu Sans", Arial, sans-serif; }
.beside { padding: 4px 0; }
.small-title { margin: 0 0 6px; font-size: 13px; color: var(--soft); font-weight: 600; }
.beside p { margin: 0 0 10px; }
.standing { display: flex; align-items: baseline; gap: 10px; padding: 8px 14px; background: var(--paper);
  border: 1px solid var(--line); border-radius: 8px; }
.standing b { font-size: 28px; line-height: 1.15; }
.standing small { display: block; margin-left: auto; text-align: right; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 14px; font-size: 12px; color: var(--soft); margin: 0;
  padding: 0; list-style: none; }
.legend li { display: flex; align-items: center; gap: 6px; }
.told { display: grid; gap: 9px; margin: 0 0 18px; padding: 0; list-style: none; font-size: 14px;
  line-height: 1.35; }
.told a { display: grid; grid-template-columns: 40px minmax(0, 1fr); gap: 10px; color: inherit;
  text-decoration: none; }
.told a:hover span { text-decoration: underline; }
.told span { overflow-wrap: anywhere; }
.told small { display: block; }
.standing + .small-title { margin-top: 20px; }
.scroll { overflow-x: auto; }
section > figure { padding: 14px 16px; background: var(--paper); border: 1px solid var(--line);
  border-radius: 8px; }
.over-time { display: block; width: 100%; min-width: 700px; height: auto; }
.over-time text { fill: var(--soft); font-size: 12.5px; }
.over-time text.on-badge { fill: #fff; font-size: 13px; }
.over-time .panel-title { fill: var(--ink); font-weight: 600; font-size: 13.5px; }
.over-time .small { font-size: 11.5px; }
.over-time .bad { fill: #b42318; }
.grid { stroke: #e4e8ec; }
.axis { stroke: #8c959f; }
.unseen { fill: #eceff2; }
.band { fill: #1f5fbf; opacity: 0.16; }
.whisker { stroke: #1f5fbf; stroke-width: 1.5; opacity: 0.45; }
.count { fill: none; stroke: #1f5fbf; stroke-width: 2; }
.dot { fill: #fff; stroke: #1f5fbf; stroke-width: 2; }
.seen { fill: #57606a; }
.rejected { fill: none; stroke: #b42318; stroke-width: 2.6; }
.card { margin: 0 0 14px; padding: 14px 18px 16px; background: var(--paper); border: 1px solid var(--line);
  border-radius: 8px; break-inside: avoid; }
.card:target { outline: 2px solid var(--blue); }
.card > header { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 10px; margin-bottom: 8px; }
.card .badge { flex: none; }
.kind::first-letter { text-transform: uppercase; }
.kind { display: inline-block; }
.card time { margin-left: auto; color: var(--soft); }
.chip { padding: 1px 9px; border: 1px solid currentColor; border-radius: 99px; font-size: 12px;
  color: var(--soft); }
.chip.moderate { color: #8a5a00; }
.chip.severe { color: #b42318; font-weight: 600; }
.chip.extreme, .chip.exercise { background: #b42318; border-color: #b42318; color: #fff; font-weight: 600; }
.card-body { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.35fr); gap: 18px; }
.card-body.wide { grid-template-columns: minmax(0, 1fr); }
.wide .pictures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr));
  gap: 6px 18px; }
.wide .facts { grid-template-columns: max-content minmax(0, 1fr) max-content minmax(0, 1fr); }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 5px 14px; margin: 0;
  align-content: start; font-size: 14px; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; font-variant-numeric: tabular-nums; }
.meter { display: inline-block; width: 64px; height: 7px; margin-right: 8px; border-radius: 4px;
  background: var(--line);
  vertical-align: 1px; overflow: hidden; }
.fill { display: block; height: 100%; background: var(--blue); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; margin-bottom: 10px; }
.pair img { display: block; width: 100%; aspect-ratio: 1; border-radius: 6px; background: #ccd2d8; }
.pair figcaption { margin-top: 3px; }
.pictures:empty { display: none; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
.why td { white-space: nowrap; }
details { margin-top: 26px; padding: 12px 16px; background: var(--paper); border: 1px solid var(--line);
  border-radius: 8px; }
summary { font-weight: 600; cursor: pointer; }
details .scroll { margin-top: 8px; }
@media (max-width: 720px) {
  body { padding: 18px 12px 30px; }
  h1 { font-size: 22px; }
  .situation, .card-body { grid-template-columns: minmax(0, 1fr); }
  .top li { flex-basis: 140px; }
  .card time { margin-left: 0; width: 100%; }
  .facts, .wide .facts { grid-template-columns: minmax(0, 7.5em) minmax(0, 1fr); }
  .wide .pictures { grid-template-columns: minmax(0, 1fr); }
}
@media print {
  body { max-width: none; padding: 0; background: #fff; font-size: 11pt; }
  .situation { grid-template-columns: minmax(0, 1fr) 190px; }
  .over-time { min-width: 0; }
  .scroll { overflow: visible; }
  section > figure, .situation { break-inside: avoid; }
}
""")
