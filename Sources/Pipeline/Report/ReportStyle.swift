// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// How the page looks: calm in light and dark, and black on white on paper.
///
/// Text has at least the contrast of 4.5 to 1 against what it stands on (WCAG 2.2, 1.4.3). Lines of plots differ in their
/// dashes as well, so that nobody needs to tell colours apart.
enum ReportStyle {
    static let sheet: StaticString = """

        :root {
          --paper: #f7f6f3; --card: #ffffff; --ink: #1c2430; --soft: #566070; --line: #e2dfd8; --back: #e8e5de;
          --accent: #2b5c8a; --good: #236142; --good-back: #e6f2ea; --open: #7a4f00; --open-back: #fbf1dc;
          --bad: #9c2323; --bad-back: #fae7e5;
          --created: #3d7f5f; --updated: #6ba7c9; --merged: #8577b5; --filtered: #b9b4a7; --skipped: #d9b45f;
          --rejected: #c2524a; --s0: #2b5c8a; --s1: #8a5a9e; --s2: #3d7f5f;
        }
        @media (prefers-color-scheme: dark) { :root {
          --paper: #12161c; --card: #1a1f27; --ink: #e6e9ee; --soft: #a2abb9; --line: #2c333f; --back: #2c333f;
          --accent: #8fbbe6; --good: #86cfa6; --good-back: #172a20; --open: #e9bd6a; --open-back: #2d2415;
          --bad: #f2a09a; --bad-back: #331b1b;
          --created: #5aa580; --updated: #5f9dc2; --merged: #9d8fd0; --filtered: #646b77; --skipped: #c9a24c;
          --rejected: #d8695f; --s0: #8fbbe6; --s1: #c79bdb; --s2: #86cfa6;
        } }
        * { box-sizing: border-box; }
        body { margin: 0; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
          font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
        header, nav, main, footer { max-width: 66rem; margin: 0 auto; }
        .kicker { margin: 0; color: var(--soft); font-size: .8rem; letter-spacing: .09em; text-transform: uppercase; }
        h1 { margin: .1rem 0 .2rem; font-size: 2rem; line-height: 1.2; font-weight: 650; letter-spacing: -.015em; }
        .route { margin: 0 0 1.5rem; color: var(--soft); }
        .off { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        .verdict { padding: 1rem 1.25rem; border-radius: .6rem; border-left: .35rem solid currentColor; }
        .verdict p { margin: 0; color: var(--ink); }
        .verdict .title { font-size: 1.2rem; font-weight: 650; color: inherit; }
        .good { color: var(--good); background: var(--good-back); }
        .open { color: var(--open); background: var(--open-back); }
        .bad { color: var(--bad); background: var(--bad-back); }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem;
          margin: 1rem 0 0; padding: 0; list-style: none; }
        .tiles li { padding: .8rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
        .figure { display: block; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums;
          letter-spacing: -.01em; }
        .name { color: var(--soft); font-size: .85rem; }
        nav { margin: 1.5rem auto 0; }
        nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin: 0; padding: 0; list-style: none; font-size: .9rem; }
        nav a { color: var(--accent); text-underline-offset: .2em; text-decoration-thickness: 1px; }
        section { margin-top: 1.5rem; padding: 1.4rem 1.5rem 1.5rem; background: var(--card);
          border: 1px solid var(--line); border-radius: .8rem; }
        h2 { margin: 0 0 .3rem; font-size: 1.2rem; font-weight: 650; letter-spacing: -.005em; }
        .intro { margin: 0 0 1rem; max-width: 46rem; color: var(--soft); }
        dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .6rem 1.5rem; margin: .6rem 0 0; }
        dt { color: var(--soft); font-size: .82rem; }
        dd { margin: 0; overflow-wrap: anywhere; }
        .scroll { overflow-x: auto; margin-top: .5rem; }
        .scroll:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
        table { width: 100%; border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
        caption { text-align: left; color: var(--soft); font-size: .82rem; padding: .4rem 0; }
        th, td { padding: .38rem .7rem .38rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
        td { max-width: 26rem; overflow-wrap: break-word; }
        .note { margin: .1rem 0 0; color: var(--soft); font-size: .92em; }
        tbody th { font-weight: 500; white-space: nowrap; }
        thead th { color: var(--soft); font-weight: 500; font-size: .8rem; vertical-align: bottom; }
        tbody tr:last-child > * { border-bottom: 0; }
        .n { text-align: right; white-space: nowrap; }
        .badge { display: inline-block; padding: 0 .55rem; border-radius: 1rem; font-size: .8rem; white-space: nowrap; }
        .bar { display: block; width: 3.75rem; height: .25rem; margin: .2rem 0 0 auto; }
        .bar .back { fill: var(--back); } .bar .front { fill: var(--accent); }
        .legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: 0 0 .5rem; color: var(--soft); font-size: .82rem; }
        .legend svg { height: .65rem; vertical-align: -.02rem; }
        .outcomes, .plot { display: block; width: 100%; height: auto; }
        .outcomes .label { fill: var(--ink); font-size: 14px; }
        .created { fill: var(--created); } .updated { fill: var(--updated); } .merged { fill: var(--merged); }
        .filtered { fill: var(--filtered); } .skipped { fill: var(--skipped); } .rejected { fill: var(--rejected); }
        figure { margin: 0; }
        figcaption { color: var(--soft); font-size: .82rem; }
        .grid { stroke: var(--line); fill: none; } .break { stroke: var(--soft); stroke-dasharray: 2 3; fill: none; }
        .tick { fill: var(--soft); font-size: 12px; }
        .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
        .s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); stroke-dasharray: 7 3; }
        .s2 { stroke: var(--s2); stroke-dasharray: 2 3; }
        .beside { display: grid; grid-template-columns: minmax(0, 1.7fr) minmax(0, 1fr); gap: 1.5rem; align-items: start; }
        @media (max-width: 52rem) { .beside { grid-template-columns: minmax(0, 1fr); } }
        .remarks { margin: 1rem 0 0; padding-left: 1.1rem; color: var(--soft); font-size: .85rem; }
        footer { margin-top: 1.5rem; color: var(--soft); font-size: .82rem; }
        @media print {
          :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --back: #e4e4e4;
            --accent: #1d4468; --good: #14502f; --good-back: #fff; --open: #634000; --open-back: #fff; --bad: #8a1c1c;
            --bad-back: #fff; --created: #3d7f5f; --updated: #6ba7c9; --merged: #8577b5; --filtered: #b9b4a7;
            --skipped: #d9b45f; --rejected: #c2524a; --s0: #1d4468; --s1: #6d3f82; --s2: #235f41; }
          @page { margin: 16mm 14mm; }
          body { padding: 0; font-size: 9.5pt; }
          nav { display: none; }
          section, .tiles li, .verdict { border-radius: 0; }
          .tiles { grid-template-columns: repeat(6, 1fr); gap: 2mm; }
          .beside { grid-template-columns: minmax(0, 1.6fr) minmax(0, 1fr); }
          section { padding: .8rem 0 0; border-width: 1px 0 0; }
          h2, .intro, .legend, caption, thead { break-after: avoid; }
          tr, figure, .verdict, .tiles, .beside, #requests, #estimate { break-inside: avoid; }
          .scroll { overflow: visible; }
          table { font-size: 7.5pt; } th, td { padding-right: .4rem; }
          tbody th { white-space: normal; }
          svg, .verdict, .badge { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        }

        """
}
