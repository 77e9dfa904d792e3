// The overlay of a page's source map: point at an element and see the template line that made it, what led there,
// and which lines of the templates behind the page have run. Everything it shows is in a shadow tree of its own,
// so the page's styles and scripts do not meet it. Alt+T switches it on and off, Escape goes back a step.
//
// The map is an argument, and not looked up in the page: the page's content may have elements of any id and name.
(map) => {
  "use strict";
  const ATTRIBUTE = "data-tmplmon";
  const KEPT = "tmplmon-overlay";
  const PANEL = 300; // pixels

  const STYLE = `
    :host { all: initial; }
    * { box-sizing: border-box; }
    .root { font: 13px/1.45 system-ui, "DejaVu Sans", sans-serif; color: #e6e9ef; }
    button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: left; }
    button:focus-visible { outline: 2px solid #7fb0ff; outline-offset: 1px; }
    .layer { position: fixed; z-index: 2147483647; }
    .pill { right: 16px; bottom: 16px; padding: 7px 14px; border-radius: 999px; background: #1b2130; color: #fff;
      box-shadow: 0 2px 10px #0006; font-weight: 600; }
    .pill:hover { background: #2a3350; }
    .box { pointer-events: none; border: 2px solid #4c8dff; background: #4c8dff26; border-radius: 3px; }
    .box.same { border: 1px dashed #4c8dff; background: #4c8dff14; }
    .tip { pointer-events: none; max-width: 640px; padding: 6px 10px; border-radius: 6px; background: #1b2130;
      box-shadow: 0 3px 14px #0007; }
    .tip b { color: #9cc2ff; }
    .tip .label { color: #9aa4b8; }
    .tip .chain { color: #9aa4b8; font-size: 12px; }
    .panel { left: 0; right: 0; bottom: 0; height: ${PANEL}px; display: flex; flex-direction: column;
      background: #141926; border-top: 2px solid #4c8dff; box-shadow: 0 -4px 18px #0005; }
    .bar { display: flex; gap: 14px; align-items: center; padding: 6px 12px; background: #1b2130; min-height: 36px; }
    .steps { flex: 1; min-width: 0; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
    .steps button { color: #b9c3d6; } .steps button:hover { text-decoration: underline; }
    .steps .first { color: #9cc2ff; font-weight: 600; } .steps i { color: #5f6b83; font-style: normal; padding: 0 6px; }
    .legend + .legend { margin-left: 12px; }
    .legend { color: #9aa4b8; white-space: nowrap; font-size: 12px; }
    .legend::before { content: ""; display: inline-block; width: 10px; height: 10px; margin-right: 5px; border-radius: 2px; }
    .legend.run::before { background: #2fbf71; } .legend.never::before { background: #ff6b6b; }
    .action { padding: 2px 9px; border: 1px solid #3a4560; border-radius: 5px; white-space: nowrap; color: inherit;
      text-decoration: none; }
    .action:hover { background: #2a3350; }
    .parts { flex: 1; display: flex; min-height: 0; }
    .side { width: 250px; display: flex; flex-direction: column; border-right: 1px solid #2a3350; }
    .files { flex: 1; overflow: auto; padding: 6px 0; }
    .legends { padding: 6px 12px; border-top: 1px solid #2a3350; } .legends:empty { display: none; }
    .files button { display: flex; width: 100%; gap: 8px; padding: 3px 12px; align-items: baseline; }
    .files button:hover { background: #1f2637; } .files .shown { background: #263049; }
    .files .name { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .files .share { color: #9aa4b8; font-size: 12px; } .files .share.some { color: #ff8f8f; }
    .code { flex: 1; overflow: auto; padding: 6px 0; font: 12.5px/1.55 ui-monospace, "DejaVu Sans Mono", monospace;
      tab-size: 4; outline: none; }
    .line { display: flex; white-space: pre; min-width: max-content; }
    .line .number { width: 52px; padding-right: 12px; text-align: right; color: #5f6b83; user-select: none;
      border-left: 5px solid transparent; }
    .line.run .number { border-left-color: #2fbf71; }
    .line.never .number { border-left-color: #ff6b6b; color: #ff9b9b; }
    .line.never { background: #ff6b6b1a; }
    .line.made { cursor: pointer; } .line.made:hover { background: #1f2637; }
    .line.made .number { color: #b9c3d6; }
    .line.step { background: #2a3350; }
    .line.here { background: #2f4a80; }
    .line.here .number { color: #fff; }
    mark { color: #fff; background: #4c8dff; border-radius: 2px; }
    [hidden] { display: none !important; }
  `;

  const make = (kind, classes, ...children) => {
    const made = document.createElement(kind);
    if (classes) made.className = classes;
    made.append(...children);
    return made;
  };
  const place = (number) => {
    const [template, line, column, end, label, before] = map.places[number];
    return { number, template: map.templates[template], line, column, end, label, before };
  };
  const shown = (at) => `${at.template.name}:${at.line}`;
  const chainOf = (at) => {
    const steps = [at];
    while (steps[0].before >= 0) steps.unshift(place(steps[0].before));
    return steps;
  };
  const named = (label) => (label === "<template>" ? "" : label === "caller" ? "call body" : label);

  // Which elements a line of a template has made: "template:line" to their numbers.
  const makers = new Map();
  map.elements.forEach((places, element) => {
    for (const number of places) {
      const key = shown(place(number));
      if (!makers.has(key)) makers.set(key, []);
      makers.get(key).push(element);
    }
  });

  const host = document.createElement("tmplmon-overlay");
  const shadow = host.attachShadow({ mode: "open" });
  const root = make("div", "root");
  const style = make("style", "", STYLE);
  const pill = make("button", "layer pill", "Templates");
  pill.title = "Show which template made what (Alt+T)";
  const boxes = make("div");
  const tip = make("div", "layer tip");
  const steps = make("div", "steps");
  const edit = make("a", "action", "Open in editor");
  const copy = make("button", "action", "Copy place");
  const close = make("button", "action", "Close");
  const legends = make("div", "legends");
  const files = make("div", "files");
  const code = make("div", "code");
  const panel = make("div", "layer panel",
    make("div", "bar", steps, edit, copy, close), make("div", "parts", make("div", "side", files, legends), code));
  root.append(boxes, tip, panel, pill);
  shadow.append(style, root);
  if (map.templates.some((template) => template.run)) {
    legends.append(make("span", "legend run", "has run"), make("span", "legend never", "never, since the start"));
  }

  let on = false;
  let pinned = null; // the element that was clicked
  let marked = null; // the element that the box is on
  let current = null; // the place that is shown

  // --- marks on the page --------------------------------------------------------------------------------------

  const clear = () => {
    boxes.replaceChildren();
    marked = null;
  };
  const box = (element, classes) => {
    const at = element.getBoundingClientRect();
    if (!at.width && !at.height) return null;
    const made = make("div", `layer box ${classes}`);
    Object.assign(made.style, { left: `${at.left - 2}px`, top: `${at.top - 2}px`,
      width: `${at.width + 4}px`, height: `${at.height + 4}px` });
    boxes.append(made);
    return at;
  };
  const mark = (element) => {
    clear();
    marked = element;
    const at = box(element, "");
    const number = element.getAttribute(ATTRIBUTE);
    const places = (map.elements[number] || []).map(place);
    tip.hidden = !places.length || !at;
    if (tip.hidden) return;
    const [first, ...values] = places;
    tip.replaceChildren(make("b", "", shown(first)), make("span", "label", ` ${named(first.label)}`));
    for (const value of values) {
      const text = piece(value);
      if (text) tip.append(make("div", "", "{{ ", make("b", "", text), " }} ", make("span", "label", shown(value))));
    }
    const chain = chainOf(first).slice(0, -1).reverse();
    for (const step of chain) tip.append(make("div", "chain", `← ${shown(step)} ${named(step.label)}`));
    const size = tip.getBoundingClientRect();
    const below = at.bottom + 6 + size.height < innerHeight - (panel.hidden ? 0 : PANEL);
    tip.style.left = `${Math.max(6, Math.min(at.left, innerWidth - size.width - 6))}px`;
    tip.style.top = `${below ? at.bottom + 6 : Math.max(6, at.top - size.height - 6)}px`;
  };
  const markLine = (key) => {
    clear();
    tip.hidden = true;
    let first = null;
    for (const number of makers.get(key) || []) {
      const element = document.querySelector(`[${ATTRIBUTE}="${number}"]`);
      if (element && box(element, "same")) first = first || element;
    }
    return first;
  };

  // --- the panel ----------------------------------------------------------------------------------------------

  // Columns are counted in bytes of UTF-8.
  const columns = (at) => {
    const text = at.template.lines[at.line - 1] || "";
    if (at.end < 0) return null;
    const bytes = new TextEncoder().encode(text);
    const characters = (count) => new TextDecoder().decode(bytes.slice(0, count)).length;
    return [characters(at.column), characters(at.end)];
  };
  const piece = (at) => {
    const found = columns(at);
    return found && (at.template.lines[at.line - 1] || "").slice(...found);
  };
  const share = (template) => {
    if (!template.run || !template.executable.length) return make("span", "share");
    const missing = template.executable.length - template.run.length;
    return make("span", missing ? "share some" : "share", `${template.run.length}/${template.executable.length}`);
  };
  const show = (at, values = []) => {
    current = at;
    const chain = chainOf(at);
    steps.replaceChildren();
    [...chain].reverse().forEach((step, index) => {
      const label = named(step.label);
      const text = step.line ? shown(step) : step.template.name;
      const button = make("button", index ? "" : "first", label ? `${text} ${label}` : text);
      button.onclick = () => show(step);
      steps.append(...(index ? [make("i", "", "←")] : []), button);
    });
    edit.hidden = !(map.editor && at.template.file);
    if (!edit.hidden) edit.href = map.editor.replace("{file}", at.template.file).replace("{line}", at.line);
    files.replaceChildren(...map.templates.map((template) => {
      const button = make("button", template === at.template ? "shown" : "",
        make("span", "name", template.name), share(template));
      button.title = template.file || "";
      button.onclick = () => show({ template, line: 0, column: -1, end: -1, label: "", before: -1 });
      return button;
    }));
    source(at, chain, values);
  };
  const source = (at, chain, values) => {
    const { template } = at;
    const executable = new Set(template.executable);
    const run = template.run && new Set(template.run);
    const first = template.further || {};
    const led = new Set(chain.slice(0, -1).filter((step) => step.template === template).map((step) => step.line));
    const marks = [at, ...values].filter((value) => value.template === template).map((value) =>
      ({ line: value.line, found: columns(value) }));
    code.replaceChildren(...template.lines.map((text, index) => {
      const line = index + 1;
      const counted = first[line] || line;
      const key = `${template.name}:${line}`;
      const classes = ["line"];
      if (run && executable.has(counted)) classes.push(run.has(counted) ? "run" : "never");
      if (led.has(line)) classes.push("step");
      if (makers.has(key)) classes.push("made");
      const found = marks.filter((mark) => mark.line === line);
      if (line === at.line) classes.push("here");
      const parts = [];
      let position = 0;
      for (const range of found.map((mark) => mark.found).filter(Boolean).sort((a, b) => a[0] - b[0])) {
        if (range[0] < position) continue;
        parts.push(text.slice(position, range[0]), make("mark", "", text.slice(...range)));
        position = range[1];
      }
      const row = make("div", classes.join(" "), make("span", "number", `${line}`),
        make("span", "text", ...parts, text.slice(position) || " "));
      if (makers.has(key)) {
        row.onmouseenter = () => markLine(key);
        row.onclick = () => markLine(key)?.scrollIntoView({ block: "center", behavior: "smooth" });
      }
      return row;
    }));
    const here = code.querySelector(".here");
    code.scrollTop = here ? here.offsetTop - code.offsetTop - code.clientHeight / 3 : 0;
  };

  // --- pointing, clicking, keys -------------------------------------------------------------------------------

  const of = (event) => {
    const target = event.composedPath()[0];
    if (event.composedPath().includes(host) || !(target instanceof Element)) return null;
    return target.closest(`[${ATTRIBUTE}]`);
  };
  const look = (element) => {
    mark(element);
    const places = (map.elements[element.getAttribute(ATTRIBUTE)] || []).map(place);
    if (places.length) show(places[0], places.slice(1));
  };
  const pointed = (event) => {
    const element = of(event);
    if (!element || element === marked) return; // Browsers send it without a move, too.
    if (pinned) mark(element);
    else look(element);
  };
  const clicked = (event) => {
    const element = of(event);
    if (event.composedPath().includes(host) || !element) return;
    event.preventDefault();
    event.stopPropagation();
    pinned = element === pinned ? null : element;
    look(element);
  };
  const moved = () => {
    clear();
    tip.hidden = true;
  };
  const turn = (state) => {
    on = state;
    pinned = null;
    panel.hidden = !on;
    pill.hidden = on;
    moved();
    document.documentElement.style.paddingBottom = on ? `${PANEL}px` : "";
    const listen = on ? "addEventListener" : "removeEventListener";
    document[listen]("mousemove", pointed, true);
    document[listen]("click", clicked, true);
    window[listen]("scroll", moved, true);
    try {
      sessionStorage.setItem(KEPT, on ? "on" : "");
    } catch { /* a page without storage */ }
    if (on && !current && map.elements.length) show(place(map.elements[map.elements.length - 1][0]));
  };
  pill.onclick = () => turn(true);
  close.onclick = () => turn(false);
  copy.onclick = () => {
    const path = current.template.file || current.template.name;
    navigator.clipboard?.writeText(`${path}:${current.line || 1}`);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy place"; }, 1000);
  };
  document.addEventListener("keydown", (event) => {
    if (event.altKey && event.code === "KeyT") turn(!on);
    else if (event.key === "Escape" && on) {
      if (pinned) pinned = null;
      else turn(false);
    }
  });

  document.documentElement.append(host);
  let kept = "";
  try {
    kept = sessionStorage.getItem(KEPT);
  } catch { /* a page without storage */ }
  turn(Boolean(kept));
}
