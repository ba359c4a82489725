//! The style sheet of the page.

pub(super) const SHEET: &str = "\
:root{color-scheme:light dark;--edge:#8885;--soft:#8881;--good:#1f7a48;--bad:#b3263c;--warn:#8a6500}
@media (prefers-color-scheme:dark){:root{--good:#58c88d;--bad:#ff7d8d;--warn:#e2b84a}body{background:#14171c;color:#e4e6ea}}
body{font:15px/1.5 system-ui,sans-serif;max-width:930px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0 0 .6rem}h2{font-size:1.15rem;margin:2.2rem 0 .3rem}h3{font-size:.95rem;margin:.6rem 0 0}
p{margin:.3rem 0}.about,footer{opacity:.75;font-size:.9rem}footer{margin-top:3rem;border-top:1px solid var(--edge)}
table{border-collapse:collapse;font-size:.88rem;margin:.5rem 0;font-variant-numeric:tabular-nums;border:0}
th,td{border:0;border-bottom:1px solid var(--edge);padding:.25rem .8rem .25rem 0;text-align:left;vertical-align:top}
th{font-weight:600}.num{text-align:right;white-space:nowrap}.wide{overflow-x:auto}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.dim{opacity:.7}
td{overflow-wrap:anywhere}.facts th{opacity:.75;font-weight:400;white-space:nowrap}
svg{max-width:100%;height:auto;vertical-align:middle}.legend{font-size:.85rem}.legend span{margin-right:.9rem;white-space:nowrap}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(420px,1fr));gap:0 1rem}
@media print{body{max-width:none;margin:0;background:#fff;color:#000}section{break-inside:avoid}svg,tr{break-inside:avoid}}
";
