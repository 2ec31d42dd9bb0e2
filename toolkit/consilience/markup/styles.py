"""The style of every display; it travels with each, because a notebook has no place of its own for it."""

# Colours come from the page: JupyterLab's, or VS Code's, or, where neither is (a static page), from what the reader
# prefers; then the display brings its own ground too, because it cannot know the page's.
BASE = """
.cs{--ft:#1f2328;--fm:#57606a;--fl:#d8dee4;--fe:#818b98;--fp:#fff;--a:#4338ca;--w:#7a4100;--wb:#fff4e0;
--t:var(--jp-ui-font-color1,var(--vscode-foreground,var(--ft)));
--m:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,var(--fm)));
--l:var(--jp-border-color2,var(--vscode-panel-border,var(--fl)));
--e:var(--jp-border-color1,var(--vscode-panel-border,var(--fe)));
--p:var(--jp-layout-color0,var(--vscode-editor-background,var(--fp)));
--s:var(--jp-layout-color2,var(--vscode-editorWidget-background,var(--fl)));
color:var(--t);background:var(--p);
font:14px/1.5 var(--jp-ui-font-family,var(--vscode-font-family,system-ui,sans-serif));
max-width:760px;padding:4px 8px;border-radius:8px}
@media(prefers-color-scheme:dark){.cs{--ft:#e6edf3;--fm:#9da7b3;--fl:#3d444d;--fe:#656c76;--fp:#0d1117;--a:#a5b4fc;
--w:#ffd08a;--wb:#3a2c14}}
[data-jp-theme-light=true] .cs,.vscode-light .cs{--a:#4338ca;--w:#7a4100;--wb:#fff4e0}
[data-jp-theme-light=false] .cs,.vscode-dark .cs,.vscode-high-contrast .cs{--a:#a5b4fc;--w:#ffd08a;--wb:#3a2c14}
.cs .cs-card{border:1px solid var(--l);border-radius:8px;padding:16px}
.cs .cs-q{color:var(--m);white-space:pre-wrap;overflow-wrap:anywhere}
.cs .cs-a{font-size:20px;font-weight:600;margin:8px 0 0;white-space:pre-wrap;overflow-wrap:anywhere}
.cs .cs-banner{background:var(--wb);color:var(--w);border-left:4px solid currentColor;padding:8px 16px;margin:8px 0}
.cs .cs-row{margin:4px 0;overflow-wrap:anywhere}
.cs .cs-m,.cs .cs-note{color:var(--m)}
.cs .cs-note{margin-top:8px}
.cs .cs-foot{color:var(--m);border-top:1px solid var(--l);margin-top:16px;padding-top:8px;font-size:13px}
.cs .cs-dot{display:inline-block;width:10px;height:10px;border-radius:5px;margin:0 4px 0 0;
border:1px solid rgba(128,128,128,.6)}
.cs .cs-who{white-space:nowrap;margin-right:8px}
.cs table{border-collapse:collapse;margin:8px 0;font-size:13px;color:var(--t);border:0}
.cs tbody tr:nth-child(n),.cs thead tr{background:none;border:0}
.cs th,.cs td{text-align:left!important;vertical-align:top;padding:4px 16px 4px 0;border-bottom:1px solid var(--l);
overflow-wrap:anywhere;white-space:pre-wrap;background:none}
.cs th{color:var(--m);font-weight:600}
.cs td.cs-n,.cs th.cs-n{text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap}
.cs time{text-decoration:underline dotted;text-underline-offset:3px;cursor:help;white-space:nowrap}
.cs .cs-facts{display:grid;grid-template-columns:max-content 1fr;gap:4px 24px;margin:8px 0;font-size:13px}
.cs .cs-facts dt{color:var(--m);font-weight:400;margin:0;float:none;width:auto;white-space:nowrap}
.cs .cs-facts dd{margin:0;float:none;width:auto;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.cs details{margin-top:8px}
.cs summary{cursor:pointer;color:var(--a)}
.cs summary:focus-visible{outline:2px solid var(--a);outline-offset:2px}
.cs.cs code{background:none;color:inherit;font-size:12px;padding:0}
.cs svg{vertical-align:middle}
.cs .cs-mark{fill:none;stroke:var(--m);stroke-width:1.2}
.cs .cs-conflict{color:var(--w)}
.cs .cs-conflict .cs-mark{stroke:currentColor}
.cs svg text{fill:var(--t);font-size:12px}
""".replace("\n", "")
SORTING = """
.cs .cs-frame{overflow-x:auto}
.cs .cs-frame th,.cs .cs-frame td{overflow-wrap:normal;max-width:360px}
.cs .cs-frame td{overflow-wrap:break-word}
.cs .cs-frame th{white-space:nowrap}
.cs .cs-t{margin:8px 0}
.cs .cs-bar{display:flex;flex-wrap:wrap;gap:8px 16px;align-items:center;color:var(--m);font-size:13px}
.cs .cs-bar select,.cs .cs-bar button{font:inherit;color:var(--t);background:var(--p);border:1px solid var(--e);
border-radius:4px;padding:2px 8px}
.cs .cs-bar button{cursor:pointer;color:var(--a)}
.cs .cs-t .cs-back{display:none}
.cs .cs-t:has(input:checked,option:not(:first-child):checked) .cs-back{display:flex}
.cs .cs-scroll{max-height:430px;overflow:auto;margin:4px 0 8px}
.cs .cs-t table{display:grid;grid-template-columns:repeat(var(--n),auto);margin:0;justify-content:start}
.cs .cs-t thead,.cs .cs-t tbody,.cs .cs-t tr{display:grid;grid-column:1/-1;grid-template-columns:subgrid}
.cs .cs-t thead{position:sticky;top:0;background:var(--p);z-index:1}
.cs .cs-t td{overflow-wrap:break-word;min-width:0;max-width:360px}
.cs .cs-t th{white-space:nowrap;min-width:max-content}
.cs .cs-ways{display:inline-flex;flex-direction:column;gap:2px;vertical-align:middle;margin-left:4px}
.cs .cs-ways input{appearance:none;-webkit-appearance:none;width:12px;height:7px;margin:0;cursor:pointer;
background:var(--e);clip-path:polygon(50% 0,100% 100%,0 100%)}
.cs .cs-ways input+input{clip-path:polygon(0 0,100% 0,50% 100%)}
.cs .cs-ways input:hover,.cs .cs-ways input:checked{background:var(--a)}
.cs .cs-ways:focus-within,.cs .cs-scroll:focus-visible,.cs .cs-bar :focus-visible{outline:2px solid var(--a);
outline-offset:2px}
""".replace("\n", "")
