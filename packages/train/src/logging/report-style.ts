/** The style of the report: light or dark as the reader's system, system fonts, and print. */
export const reportStyle = `
:root { color-scheme: light dark; --back: #fbfbfa; --card: #fff; --text: #1d2127; --quiet: #646c78; --line: #e3e5e9;
  --c0: #2f6bde; --c1: #d9722b; --c2: #23936b; --c3: #9a4fc4; --bad: #c8372d; --good: 35 147 107; --wrong: 200 55 45 }
@media (prefers-color-scheme: dark) { :root { --back: #14171b; --card: #1c2026; --text: #e5e8ec; --quiet: #98a1ad;
  --line: #323841; --c0: #74a5ff; --c1: #f0a05e; --c2: #55c79b; --c3: #c48cf0; --bad: #ff8279; --good: 85 199 155; --wrong: 255 130 121 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 1240px; margin: 0 auto; padding: 32px 24px 64px }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px }
h2 { font-size: 18px; margin: 40px 0 12px }
p { margin: 8px 0 }
.quiet, figcaption span, th, .origin { color: var(--quiet); font-weight: normal }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 24px 0 0 }
.numbers div, figure, .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px }
.numbers div { padding: 12px 16px }
.numbers dt { color: var(--quiet); font-size: 13px }
.numbers dd { margin: 0; font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums }
.grid-of-cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px; align-items: start }
figure { margin: 0; padding: 14px 16px 10px }
figure svg { width: 100%; height: auto; display: block; overflow: visible; touch-action: pan-y }
figcaption { font-weight: 600; margin-bottom: 6px }
.key { margin-left: 14px; font-size: 13px; white-space: nowrap }
.key svg { display: inline-block; width: 16px; margin-right: 5px; vertical-align: middle }
output { display: block; min-height: 20px; font-size: 13px; color: var(--quiet); font-variant-numeric: tabular-nums }
.series-0 { --color: var(--c0) } .series-1 { --color: var(--c1) } .series-2 { --color: var(--c2) } .series-3 { --color: var(--c3) } .series-4 { --color: var(--quiet) }
.series polyline { fill: none; stroke: var(--color); stroke-width: 1.8; stroke-linejoin: round }
.series circle { fill: var(--color) }
.series.faint { opacity: .45 } .series.faint polyline { stroke-width: 1 } .series.faint circle { display: none }
td .key { margin-left: 0 } .key.faint path { opacity: .5; stroke-width: 1.5 } .key path { stroke: var(--color); stroke-width: 2.5 }
.grid path { stroke: var(--line) }
.cursor { stroke: var(--quiet); stroke-dasharray: 3 3 }
svg text { fill: var(--quiet); font-size: 12px } .ticks.x text, .bars text { text-anchor: middle } .ticks.y text { text-anchor: end }
.bars rect { fill: var(--c0) }
.phases rect { fill: var(--color) }
.card { padding: 4px 16px 8px; overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th { text-align: left; font-size: 13px } td, th { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top }
tr:last-child td, tr:last-child th { border-bottom: 0 }
td.number, th.number { text-align: right; white-space: nowrap }
td.text { overflow-wrap: anywhere; min-width: 200px } td.text div { white-space: pre-wrap } td.text div + div { color: var(--quiet) }
.given { color: var(--c1) } .best td { font-weight: 600 } .false { color: var(--bad) }
.confusion { width: auto } .confusion td { text-align: right; padding: 8px 14px; border: 1px solid var(--card); min-width: 72px }
.confusion th { border: 0; padding: 6px 12px; vertical-align: middle } .confusion thead th { text-align: right }
${Array.from({ length: 11 }, (_, heat) => `.right-${heat} { background: rgb(var(--good) / ${heat * 5}%) } .wrong-${heat} { background: rgb(var(--wrong) / ${heat * 5}%) }`).join('\n')}
ul { margin: 8px 0; padding-left: 20px }
@media print { body { background: none } figure, .card { break-inside: avoid } }
`
