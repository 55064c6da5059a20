extension Page {
  /// How the page looks: both modes of colour, wide and narrow, on paper.
  ///
  /// Colours of cells come from one number, `--t`, from 0 (little is lost) to 1. Lightness falls
  /// evenly with it while the hue goes from yellow by red to plum, so that the order shows without
  /// any sight of hue. In the dark the ramp is turned around: little lost stays near the paper.
  static let style = HTML(
    markup: #"""
      :root{color-scheme:light dark;--paper:#fdfcfa;--ink:#1d1a17;--soft:#6a635c;--rule:#e5dfd7;
        --wash:#f5f1eb;--accent:#a83d0a;--mark:#8a837b;--shade:#1d1a1722}
      @media (prefers-color-scheme:dark){:root{--paper:#161412;--ink:#ece7e0;--soft:#a59d94;
        --rule:#34302b;--wash:#201d1a;--accent:#f39a5f;--mark:#8f877e;--shade:#0009}}
      *{box-sizing:border-box}
      html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
      body{margin:0 auto;max-width:1240px;padding:36px 28px 48px;background:var(--paper);
        color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
        font-variant-numeric:tabular-nums}
      [hidden]{display:none!important}
      a{color:var(--accent)}
      :focus-visible{outline:2px solid var(--accent);outline-offset:2px}
      .brand{margin:0;color:var(--soft);font-size:13px;letter-spacing:.02em}
      .brand b{color:var(--accent);font-size:17px;letter-spacing:-.02em;margin-right:.35em}
      h1{margin:.3em 0 .2em;font-size:clamp(22px,3.4vw,34px);line-height:1.2;font-weight:650;
        letter-spacing:-.015em;overflow-wrap:anywhere;text-wrap:balance}
      h1 i{font-style:normal;font-weight:400;color:var(--mark)}
      .facts,.paths{margin:0;color:var(--soft);overflow-wrap:anywhere}
      .facts span{white-space:nowrap}
      .paths{font:12px/1.6 ui-monospace,"SF Mono",Menlo,Consolas,monospace}
      .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:1px;
        margin:24px 0 0;background:var(--rule);border:1px solid var(--rule);border-radius:8px;
        overflow:hidden}
      .figures div{padding:12px 16px 13px;background:var(--paper);min-width:0}
      .figures dt{color:var(--soft);font-size:12.5px}
      .figures dd{margin:0;font-size:23px;font-weight:620;letter-spacing:-.01em;line-height:1.3}
      .figures small{display:block;font-size:12.5px;font-weight:400;letter-spacing:0;
        color:var(--soft);line-height:1.4;overflow-wrap:anywhere}
      section{margin-top:44px}
      h2{margin:0 0 12px;font-size:18px;font-weight:650;letter-spacing:-.01em}
      h2+p{margin-top:-6px}
      .soft,figcaption{color:var(--soft);font-size:13.5px;max-width:76ch}
      .tools{display:flex;flex-wrap:wrap;gap:8px 20px;align-items:center;margin:0 0 12px;
        color:var(--soft);font-size:13.5px}
      input,select,button{font:inherit;color:inherit}
      input,select{color:var(--ink);background:var(--paper);border:1px solid var(--mark);
        border-radius:6px;padding:5px 9px;max-width:100%}
      input{width:230px}
      .scroll{overflow-x:auto;overscroll-behavior-x:contain;
        background:linear-gradient(90deg,var(--paper) 40px,transparent) 0/80px 100% local,
        linear-gradient(270deg,var(--paper) 40px,transparent) 100%/80px 100% local,
        linear-gradient(270deg,var(--shade),transparent) 100%/16px 100% scroll;
        background-repeat:no-repeat}
      table{border-collapse:separate;border-spacing:0;font-size:13px}
      caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
      .sorted{min-width:100%}
      .sorted th,.sorted td{padding:5px 10px;text-align:left;border-bottom:1px solid var(--rule);
        white-space:nowrap;vertical-align:baseline}
      .sorted thead th{padding:0 2px;border-bottom-color:var(--mark)}
      .sorted thead button{width:100%;padding:5px 8px;border:0;background:none;text-align:inherit;
        font-weight:600;font-size:12.5px;white-space:nowrap;cursor:pointer;color:var(--soft);
        border-radius:5px}
      .sorted thead button:hover{background:var(--wash);color:var(--ink)}
      .sorted thead th:not([data-order=words]) button{text-align:right}
      .sorted [aria-sort] button{color:var(--accent)}
      .sorted [aria-sort=ascending]{--arrow:"↑"}
      .sorted [aria-sort=descending]{--arrow:"↓"}
      .sorted thead [data-order=words] button::after,
      .sorted thead th:not([data-order=words]) button::before{content:var(--arrow,"");
        display:inline-block;width:1em;text-align:center}
      .sorted .n{text-align:right}
      .sorted tbody th{font:12.5px/1.45 ui-monospace,"SF Mono",Menlo,Consolas,monospace;
        white-space:normal;overflow-wrap:anywhere}
      .sorted[data-noun=tensor] tbody th{min-width:370px;max-width:480px}
      .sorted th:first-child{position:sticky;left:0;background:var(--paper);z-index:1}
      .sorted tbody tr:hover>*{background:var(--wash)}
      .sorted tbody tr:target>*{background:var(--wash);box-shadow:inset 0 -2px var(--accent)}
      .sorted[data-noun=tensor] td:last-child:not(.n){white-space:normal;min-width:230px;font-size:12.5px;
        overflow-wrap:anywhere}
      .more{margin-top:14px;padding:7px 16px;border:1px solid var(--mark);border-radius:6px;
        background:none;cursor:pointer;color:var(--ink)}
      .more:hover{background:var(--wash)}
      .heat{table-layout:fixed;border-spacing:2px;margin-bottom:18px;width:100%;
        max-width:calc(200px + var(--n)*76px);min-width:calc(186px + var(--n)*var(--cell));--cell:31px}
      .heat.many{border-spacing:1px;--cell:9px}
      .heat.around{width:auto}
      .heat th{font-weight:400;color:var(--soft);font-size:12px;padding:0;text-align:center;
        white-space:nowrap;overflow:visible}
      .heat th:first-child{width:186px;text-align:left;padding:0 10px 0 0;position:sticky;left:0;
        background:var(--paper);z-index:1;overflow:hidden;text-overflow:ellipsis}
      .heat.many th:first-child{width:204px}
      .heat.around td{width:74px}
      .heat tbody th{font-size:13px;color:var(--ink)}
      .heat thead i{display:none}
      .heat .name{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:11.5px}
      .heat td{height:30px;padding:0;border-radius:3px;text-align:center;font-size:12px;
        overflow:hidden}
      .heat.many td{height:24px;border-radius:1px;font-size:0}
      .heat td:focus-visible,.heat td.at{outline:2px solid var(--ink);outline-offset:1px}
      .c{--t:0;background:oklch(calc(.955 - .62*var(--u)) calc(.045 + .5*var(--u)*(1 - var(--u)))
         calc(88 - 118*var(--u)));color:oklch(clamp(.2,calc((var(--u) - .5)*1000),.985) .01 80)}
      .c{--u:var(--t)}
      .e{background:var(--wash);color:var(--soft)}
      .legend{display:flex;align-items:center;gap:10px}
      .legend ol{display:flex;margin:0;padding:0;list-style:none;border-radius:4px;overflow:hidden}
      .legend li{padding:2px 10px;font-size:12px}
      .readout{margin:0 0 10px;padding:6px 12px;background:var(--wash);border-radius:6px;
        font-size:13.5px;min-height:33px;overflow-wrap:anywhere}
      .plot{display:block;width:100%;height:auto;overflow:visible}
      .plot.narrow,.plots .small{display:none}
      .plot text{font:12.5px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--ink);
        font-variant-numeric:tabular-nums}
      .plot .tick,.plot .axis{fill:var(--soft);font-size:12px}
      .plot .grid{stroke:var(--rule)}
      .plot .bound{stroke:var(--mark);stroke-dasharray:5 4;fill:none}
      .plot .bound-name{fill:var(--soft);font-size:12px}
      .plot .front{fill:none;stroke:var(--accent);stroke-opacity:.45;stroke-width:2}
      .plot .mark{fill:var(--paper);stroke:var(--mark);stroke-width:2}
      .plot .part{fill:var(--paper);stroke:var(--mark);stroke-width:2;stroke-dasharray:2.5 2.5}
      .plot .best{fill:var(--accent);stroke:var(--paper);stroke-width:1.5}
      .plot .touch{fill:transparent}
      .plot .spread{stroke:var(--ink);fill:none}
      .plot .leader{stroke:var(--mark);stroke-width:.8}
      .plot .label{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
      .plot .best-name{font-weight:650}
      .plot a:hover circle,.plot a:focus-visible circle{stroke:var(--ink);stroke-width:2}
      .key{display:flex;flex-wrap:wrap;gap:4px 20px;margin:8px 0 0;color:var(--soft);font-size:13px}
      .key span::before{content:"";display:inline-block;width:9px;height:9px;border-radius:50%;
        vertical-align:-1px;
        margin-right:7px;border:2px solid var(--mark)}
      .key .best::before{border-color:var(--accent);background:var(--accent)}
      .key .part::before{border-style:dotted}
      .key .dash::before{width:22px;height:0;border-width:0 0 2px;border-style:dashed;border-radius:0;
        vertical-align:.3em}
      .key .bars::before{content:"±";width:auto;height:auto;border:0}
      ul{padding-left:1.2em;margin:0}
      li{overflow-wrap:anywhere}
      summary{cursor:pointer;color:var(--soft)}
      footer{margin-top:56px;padding-top:16px;border-top:1px solid var(--rule);color:var(--soft);
        font-size:13.5px}
      footer dl{max-width:76ch;margin:10px 0 0}
      footer dt{font-weight:600;color:var(--ink)}
      footer dd{margin:0 0 8px}
      @media (prefers-color-scheme:dark){.c{--u:calc(1 - var(--t))}}
      @media (max-width:640px){body{padding:20px 16px 32px}
      .figures{grid-template-columns:1fr 1fr}
      .figures div{padding:10px 12px}
      .figures div:last-child:nth-child(odd){grid-column:1/-1}
      .figures dd{font-size:20px}
      section{margin-top:34px}
      .plots .large{display:none}
      .plots .small{display:block}
      .heat{min-width:calc(122px + var(--n)*var(--cell));--cell:36px}
      .heat.many{--cell:12px}
      .heat th:first-child,.heat.many th:first-child{width:122px;white-space:normal;line-height:1.2}
      .sorted tbody th{font-size:11.5px}
      .sorted[data-noun=tensor] tbody th{min-width:46vw;max-width:46vw}
      .sorted th,.sorted td{padding:5px 8px}
      input{width:100%}.tools label:has(input){flex:1 1 100%}
      .legend{flex-wrap:wrap}}
      @page{size:landscape;margin:12mm}
      @media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#444;--rule:#ccc;
        --wash:#f4f4f4;--accent:#a83d0a;--mark:#888}
      .c{--u:var(--t);print-color-adjust:exact;-webkit-print-color-adjust:exact}
      body{max-width:none;padding:0;font-size:11px}
      .tools label,.tools output,.readout,.more{display:none!important}
      .scroll{overflow:visible;background:none}
      .sorted,.heat{font-size:8px}
      .sorted th,.sorted td{padding:2px 4px}
      .sorted thead button{font-size:8px;padding:2px 0;white-space:normal}
      .sorted tbody th,.sorted td:last-child:not(.n){font-size:8px!important;
        min-width:120px!important}
      .plot text{font-size:15px!important}
      .figures dd{font-size:18px}
      h2,.figures,.plots{break-inside:avoid}h2{break-after:avoid}}

      """#)
}
