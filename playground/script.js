"use strict";

// The fields hold the state of the page, as text. `update` reads and checks them, has the core compute
// what they mean, and shows it; so everything shown is a function of the fields, which the link carries.

(async () => {
  const MAX_TOKENS = 64, MAX_DRAWS = 100000, LATEST = 32, POINTS = 160, MAX_FRAGMENT = 20000;
  const PRESETS = {
    greetings: {"Ni Hao": 0.1, Konnichiwa: 0, Hola: 0.5, Namaste: 1, Hello: 4, Ciao: 0.6},
    two: {one: 1, two: 2},
    // logarithms of how often these words followed "once" on the web, from symspellpy's word pairs
    once: {
      again: 20.01, a: 19.76, the: 19.46, you: 19.32, in: 19.08, more: 18.75, and: 18.66, they: 18.43,
      it: 18.29, every: 18.02, we: 17.93, or: 17.85, said: 17.73, per: 17.7, for: 17.55, to: 17.54,
      was: 17.43, he: 17.36, had: 17.17, on: 17.07,
    },
  };
  const DEFAULTS = {T: "1", k: "off", p: "1", m: "0", seed: "7", draws: "100"};
  const REASONS = ["", "cut by top_k", "cut by top_p", "cut by min_p", "tie: the first wins"];

  const find = (id) => document.getElementById(id);
  const create = (name, attributes = {}, text = "") => {
    const element = name === "li" || name === "b"
      ? document.createElement(name) : document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };
  const say = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  // ---- the core -------------------------------------------------------------------------------

  async function load() {
    const packed = Uint8Array.from(atob(find("core").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const bytes = await new Response(stream).arrayBuffer();
    const {instance} = await WebAssembly.instantiate(bytes, {});
    instance.exports._initialize();
    return instance.exports;
  }

  let core;
  try {
    core = await load();
  } catch (error) {
    say(find("link-error"), `This browser cannot run the page, which needs WebAssembly and DecompressionStream. (${error})`);
    return;
  }
  const doubles = (address, n) => new Float64Array(core.memory.buffer, address, n);
  const integers = (address, n) => new Uint32Array(core.memory.buffer, address, n);

  function describeError(code) {
    const bytes = new Uint8Array(core.memory.buffer, core.describe_error(code));
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  }

  // ---- reading fields -------------------------------------------------------------------------

  class Invalid extends Error {}

  const quote = (text) => `“${text.length > 20 ? `${text.slice(0, 20)}…` : text}”`;

  function readNumber(text) {
    text = text.trim();
    if (!text) throw new Invalid("Write a number here.");
    const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
    if (infinite) return infinite[1] === "-" ? -Infinity : Infinity;
    if (/^[+-]?\d+,\d+$/.test(text)) throw new Invalid(`Write a point: ${text.replace(",", ".").slice(0, 20)}`);
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new Invalid(`${quote(text)} is not a number.`);
    const value = Number(text);
    if (!Number.isFinite(value)) throw new Invalid(`${quote(text)} is too large; the largest number is 1.7e308.`);
    return value;
  }

  function readWhole(text, name, least, most) {
    if (!/^\d+$/.test(text.trim()) || BigInt(text.trim()) < least || BigInt(text.trim()) > most) {
      const range = `a whole number from ${least} to ${most.toLocaleString("en")}`;
      throw new Invalid(`${name} is ${range}${text.trim() ? `, not ${quote(text.trim())}` : ""}.`);
    }
    return BigInt(text.trim());
  }

  function readHundredths(text, name) {
    const value = readNumber(text);
    if (!(value >= 0 && value <= 1)) throw new Invalid(`${name} is from 0 to 1.`);
    if (value !== Number(value.toFixed(2))) throw new Invalid(`${name} has at most two decimals here.`);
    return value;
  }

  const READERS = {
    T(text) {
      const value = readNumber(text);
      if (value < 0) throw new Invalid("The temperature is 0 or more.");
      return value + 0; // not -0
    },
    k(text) {
      if (text.trim().toLowerCase() === "off") return null;
      try {
        return Number(readWhole(text, "top_k", 1n, 1000000n));
      } catch (error) {
        throw new Invalid(`${error.message.slice(0, -1)}; or write off.`);
      }
    },
    p: (text) => readHundredths(text, "top_p"),
    m: (text) => readHundredths(text, "min_p"),
    seed: (text) => readWhole(text, "The seed", 0n, 2n ** 64n - 1n),
    draws: (text) => Number(readWhole(text, "The number of draws", 0n, BigInt(MAX_DRAWS))),
  };

  function readLogit(text) {
    const value = readNumber(text);
    if (value === Infinity) throw new Invalid("A logit is a finite number, or -inf for a word that is never drawn.");
    return value + 0;
  }

  function mark(field, element, message) {
    say(element, message);
    if (message) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  // The value that read(text) returns, or undefined if it is invalid, which is then said beside the field.
  function check(field, element, read) {
    try {
      const value = read(field.value);
      mark(field, element, "");
      return value;
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      mark(field, element, error.message);
      return undefined;
    }
  }

  function readToken(text, seen) {
    if (!text.trim()) throw new Invalid("Write a word here.");
    if (seen.has(text)) throw new Invalid(`${quote(text)} is there already.`);
    seen.add(text);
    return text;
  }

  const rows = () => [...find("rows").children];
  const part = (row, name) => row.querySelector(`.${name}`);

  function readRow(row, seen) {
    const [word, score, error] = ["token", "logit", "error"].map((name) => part(row, name));
    const token = check(word, error, (text) => readToken(text, seen));
    const wordError = error.textContent;
    const logit = check(score, error, readLogit);
    say(error, [wordError, error.textContent].filter(Boolean).join(" "));
    return {token, logit};
  }

  // The state that the fields hold, or null if one of them is invalid.
  function read() {
    const seen = new Set();
    const words = rows().map((row) => readRow(row, seen));
    const state = {tokens: words.map((word) => word.token), logits: words.map((word) => word.logit)};
    for (const [name, reader] of Object.entries(READERS)) {
      state[name] = check(find(name), find(`${name}-error`), reader);
    }
    const nothing = state.logits.every((logit) => logit === -Infinity);
    say(find("rows-error"), nothing ? "Every logit is -inf, so no word can be drawn. Give one a number." : "");
    const values = [...Object.values(state), ...state.tokens, ...state.logits];
    return nothing || values.includes(undefined) ? null : state;
  }

  // ---- computing ------------------------------------------------------------------------------

  let shown = null; // the state and the results on the page; null before there are any

  function compute(state) {
    const n = state.logits.length;
    doubles(core.get_logits(), n).set(state.logits);
    const error = core.compute(n, state.T, state.k ?? n, state.p, state.m);
    if (error) throw new Error(describeError(error));
    const [entropy, perplexity, entropyAfter, perplexityAfter] = doubles(core.get_summary(), 4);
    return {
      before: [...doubles(core.get_before(), n)], after: [...doubles(core.get_after(), n)],
      reasons: [...integers(core.get_cut_by(), n)].map((reason) => REASONS[reason]),
      entropy, perplexity, entropyAfter, perplexityAfter, made: 0,
    };
  }

  // Makes draws until there are `total`.
  function drawUpTo(total, results) {
    const error = core.draw(total - results.made);
    if (error) throw new Error(describeError(error));
    results.made = total;
    results.counts = [...integers(core.get_counts(), results.before.length)];
    results.latest = [...integers(core.get_latest(), LATEST)].slice(LATEST - Math.min(total, LATEST));
  }

  // The heights of e^(x / T) at the numbers xs and at their maximum, which has height 1.
  function heights(xs, T) {
    const curve = doubles(core.get_curve(), xs.length + 1);
    curve.set(xs);
    curve[xs.length] = Math.max(...xs);
    core.compute_curve(xs.length + 1, T);
    return [...curve].slice(0, -1);
  }

  // ---- showing --------------------------------------------------------------------------------

  function percent(p) {
    if (p === 0 || p >= 0.0001) return `${(100 * p).toFixed(2)}%`;
    return `${(100 * p).toExponential(1)}%`;
  }

  // Four digits, and an exponent where the number would be long.
  function brief(x) {
    const size = Math.abs(x);
    if (x !== 0 && size < Infinity && (size < 1e-4 || size >= 1e7)) return x.toExponential(2);
    return x.toLocaleString("en", {maximumSignificantDigits: 4});
  }

  const amount = (x) => x.toLocaleString("en", {maximumFractionDigits: x < 100 ? 2 : 1});
  const plural = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

  function showProbabilities(results) {
    rows().forEach((row, i) => {
      const {before, after, reasons} = results;
      part(row, "before").style.width = `${100 * before[i]}%`;
      part(row, "after").style.width = `${100 * after[i]}%`;
      say(part(row, "p"), percent(before[i]));
      say(part(row, "q"), reasons[i] || percent(after[i]));
      part(row, "q").classList.toggle("cut", reasons[i] !== "");
    });
    const {entropy, perplexity, entropyAfter, perplexityAfter, reasons} = results;
    const [p, h, q, g] = [perplexity, entropy, perplexityAfter, entropyAfter].map((x) => x.toPrecision(5));
    let text = `Perplexity ${p}: as open as a choice among so many equally likely words. Entropy ${h} nats.`;
    if (reasons.some(Boolean)) text += ` After the filters: perplexity ${q}, entropy ${g} nats.`;
    say(find("summary"), text);
  }

  function showDraws(state, results) {
    rows().forEach((row, i) => {
      const total = results.made;
      part(row, "drawn").style.left = `${total ? 100 * results.counts[i] / total : 0}%`;
      part(row, "drawn").hidden = total === 0 || (results.counts[i] === 0 && results.after[i] === 0);
      say(part(row, "count"), results.counts[i].toLocaleString("en"));
      say(part(row, "expected"), amount(total * results.after[i]));
    });
    find("latest").replaceChildren(
      ...results.latest.map((i) => create("li", {}, state.tokens[i])));
    say(find("drawn"), `${plural(results.made, "draw")} of seed ${state.seed}.`);
  }

  // For screen readers, which hear of results when these have stayed the same for a moment.
  let newsTimer;
  function announce(...ids) {
    clearTimeout(newsTimer);
    newsTimer = setTimeout(() => say(find("news"), ids.map((id) => find(id).textContent).join(" ")), 500);
  }

  function showCurve(state) {
    const finite = state.logits.filter((x) => x > -Infinity);
    const high = Math.max(...finite);
    let low = Math.min(...finite);
    if (low === high) low = high - Math.max(1, Math.abs(high) / 2);
    const scale = Math.max(Math.abs(low), Math.abs(high));
    const [left, right, top, bottom] = [12, 276, 28, 164];
    const xOf = (x) => left + (right - left) * (x / scale - low / scale) / (high / scale - low / scale);
    const yOf = (height) => bottom - (bottom - top) * height;
    const grid = Array.from({length: POINTS + 1}, (_, i) => low * (1 - i / POINTS) + high * (i / POINTS));
    const path = (T) => heights(grid, T).map(
      (height, i) => `${i ? "L" : "M"}${xOf(grid[i]).toFixed(2)} ${yOf(height).toFixed(2)}`).join("");

    const parts = [
      create("line", {x1: left, x2: right + 14, y1: bottom, y2: bottom}),
      create("line", {x1: left, x2: left, y1: top - 14, y2: bottom}),
      create("line", {x1: left, x2: right, y1: top, y2: top, "stroke-dasharray": "2 3"}),
    ];
    const value = Math.exp(high / state.T);
    if (Number.isFinite(value) && value > 0) {
      const line = create("text", {x: left + 6, y: top - 8, class: "quiet"}, "e");
      line.append(create("tspan", {dy: -5, "font-size": 10}, `${brief(high)}/${brief(state.T)}`),
        create("tspan", {dy: 5}, ` = ${brief(value)}`));
      parts.push(line);
    }
    parts.push(create("text", {x: left, y: bottom + 18, class: "quiet"}, `x = ${brief(low)}`));
    parts.push(create("text", {x: right, y: bottom + 18, class: "quiet", "text-anchor": "end"}, brief(high)));
    if (state.T !== 1) parts.push(create("path", {d: path(1), class: "one"}));
    parts.push(create("path", {d: path(state.T)}));

    const all = heights(finite, state.T);
    const points = [];
    let i = 0;
    state.logits.forEach((x, at) => {
      if (x > -Infinity) points.push({x: xOf(x), y: yOf(all[i++]), token: state.tokens[at], at});
    });
    // names, from the highest down, where they cover no other name or point
    const placed = [{left: 0, right: left + 110, top: top - 26, bottom: top - 4}]; // the height's label
    for (const point of points.sort((a, b) => b.x - a.x)) {
      const out = shown.reasons[point.at] !== "";
      parts.push(create("circle", {cx: point.x, cy: point.y, r: 5, ...(out ? {class: "out"} : {})}));
      const name = [...point.token].slice(0, 12).join("");
      const right = Math.max(point.x - 8, left + 8 + 7 * name.length), y = point.y - 8;
      const box = {left: right - 7 * name.length, right, top: y - 12, bottom: y + 3};
      const covers = (o) => o.left < box.right && o.right > box.left && o.top < box.bottom && o.bottom > box.top;
      const dots = points.map(({x, y}) => ({left: x - 4, right: x + 4, top: y - 4, bottom: y + 4}));
      if ([...placed, ...dots].some(covers)) continue;
      placed.push(box);
      parts.push(create("text", {x: right, y, "text-anchor": "end"}, name));
    }
    find("curve").replaceChildren(...parts);
  }

  const number = (x) => (Number.isFinite(x) ? String(x) : x > 0 ? "np.inf" : "-np.inf");

  function showPython(state) {
    const {tokens, logits, T, k, p, m, draws, seed} = state;
    const filters = [["top_k", k === null ? null : k], ["top_p", p < 1 ? p : null], ["min_p", m > 0 ? m : null]];
    const given = filters.filter(([, value]) => value !== null).map(([name, value]) => `${name}=${value}, `);
    say(find("python"), [
      "import numpy as np",
      "import softdraw",
      "",
      `tokens = [${tokens.map((token) => JSON.stringify(token)).join(", ")}]`,
      `logits = np.array([${logits.map(number).join(", ")}], float)`,
      `p = softdraw.softmax(logits, temperature=${number(T)})`,
      `entropy = softdraw.entropy(logits, temperature=${number(T)})`,
      "drawn = softdraw.sample_logits(",
      `    logits, temperature=${number(T)}, ${given.join("")}size=${draws}, rng=${seed}`,
      ")",
      "counts = np.bincount(drawn, minlength=len(logits))",
      "for token, share, count in zip(tokens, p, counts):",
      "    print(f\"{token}: {share:.4f}, drawn {count} times\")",
      "",
    ].join("\n"));
  }

  // ---- the link -------------------------------------------------------------------------------

  function fragment() {
    const parameters = new URLSearchParams();
    for (const name of Object.keys(DEFAULTS)) parameters.set(name, find(name).value.trim());
    for (const row of rows()) {
      parameters.append("word", part(row, "token").value);
      parameters.append("logit", part(row, "logit").value.trim());
    }
    return `#${parameters}`;
  }

  let ownFragment = null; // the last one that this page has written, so that its own event is not obeyed
  let linkTimer;
  function writeLink() {
    ownFragment = fragment();
    find("link").value = location.href.replace(/#.*/s, "") + ownFragment;
    say(find("copied"), "");
    clearTimeout(linkTimer); // browsers allow few changes of the address in a second
    const address = location.hash;
    linkTimer = setTimeout(() => { // unless the reader has changed it meanwhile
      if (location.hash === address) history.replaceState(null, "", ownFragment);
    }, 300);
  }

  // Fills the fields from the fragment of the address; fields that it does not name start at their defaults.
  function readLink() {
    const complaints = [];
    let text = location.hash.slice(1);
    if (text.length > MAX_FRAGMENT) {
      complaints.push(`The link is too long (${text.length.toLocaleString("en")} characters), so it is not used.`);
      text = "";
    }
    const parameters = new URLSearchParams(text);
    for (const [name, value] of Object.entries(DEFAULTS)) find(name).value = (parameters.get(name) ?? value).slice(0, 60);
    const words = parameters.getAll("word"), logits = parameters.getAll("logit");
    if (words.length !== logits.length) complaints.push(`The link has ${plural(words.length, "word")} but ${plural(logits.length, "logit")}.`);
    if (words.length > MAX_TOKENS) complaints.push(`The link has ${plural(words.length, "word")}; the first ${MAX_TOKENS} are shown.`);
    const pairs = words.slice(0, MAX_TOKENS).map((word, i) => [word.slice(0, 60), (logits[i] ?? "").slice(0, 40)]);
    setRows(pairs.length ? pairs : Object.entries(PRESETS.greetings));
    say(find("link-error"), complaints.join(" "));
  }

  // ---- words ----------------------------------------------------------------------------------

  function addRow(token, logit) {
    const row = find("row").content.firstElementChild.cloneNode(true);
    part(row, "token").value = token;
    part(row, "logit").value = logit;
    find("rows").append(row);
    return row;
  }

  function setRows(pairs) {
    find("rows").replaceChildren();
    for (const [token, logit] of pairs) addRow(token, String(logit));
  }

  // What depends on the number and the places of the rows.
  function numberRows() {
    const all = rows();
    all.forEach((row, i) => {
      const error = part(row, "error");
      error.id = `row-error-${i}`;
      for (const [name, label] of [["token", "Word"], ["logit", "Logit of word"], ["remove", "Remove word"]]) {
        part(row, name).setAttribute("aria-label", `${label} ${i + 1}`);
        if (name !== "remove") part(row, name).setAttribute("aria-describedby", error.id);
      }
      part(row, "remove").disabled = all.length === 1;
    });
    find("k-slider").max = all.length;
    find("add").disabled = all.length >= MAX_TOKENS;
    say(find("add"), all.length >= MAX_TOKENS ? `${MAX_TOKENS} words are the most` : "Add a word");
  }

  const linesOf = (text) => text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);

  function refuseLongList(text) {
    const n = linesOf(text).length;
    if (n > MAX_TOKENS) throw new Invalid(`This list has ${plural(n, "word")}; the page shows at most ${MAX_TOKENS}.`);
  }

  function readList(text) {
    refuseLongList(text);
    const lines = linesOf(text);
    if (!lines.length) throw new Invalid("Write a word and its logit, such as Hello = 4.");
    return lines.map((line, i) => {
      const pair = /^(.*\S)\s*[=\t]\s*([^=\t]*)$/.exec(line);
      if (!pair) throw new Invalid(`Line ${i + 1}, ${quote(line)}, is not a word = a logit.`);
      if (pair[1].length > 60) throw new Invalid(`The word of line ${i + 1} has more than 60 letters.`);
      return [pair[1], pair[2].slice(0, 40)];
    });
  }

  // ---- one update -----------------------------------------------------------------------------

  // What is shown follows the fields. Draws begin again from the seed, because they depend on all of it.
  function update() {
    numberRows();
    const state = read();
    document.body.classList.toggle("stale", !state);
    for (const button of document.querySelectorAll("[data-more], #stream, #clear, #copy, #find button")) button.disabled = !state;
    if (!state) {
      stopStream();
      shown = null;
      say(find("drawn"), "Correct the marked fields to go on.");
      announce("drawn");
      return;
    }
    for (const [name, value] of [["T", state.T], ["k", state.k ?? rows().length], ["p", state.p], ["m", state.m]]) {
      const slider = find(`${name}-slider`);
      slider.value = Math.min(value, slider.max);
      slider.setAttribute("aria-valuetext", find(name).value);
    }
    shown = {...state, ...compute(state)};
    core.restart(Number(state.seed & 0xffffffffn), Number(state.seed >> 32n));
    drawUpTo(state.draws, shown);
    showProbabilities(shown);
    showCurve(state);
    showDraws(state, shown);
    showPython(state);
    announce("summary", "drawn");
    writeLink();
  }

  // Makes draws more, without beginning again.
  function drawMore(more) {
    const total = Math.min(shown.made + more, MAX_DRAWS);
    find("draws").value = String(total);
    mark(find("draws"), find("draws-error"), "");
    shown.draws = total;
    drawUpTo(total, shown);
    showDraws(shown, shown);
    showPython(shown);
    announce("drawn");
    writeLink();
  }

  let frame = null; // of the stream, while it runs
  function stopStream() {
    cancelAnimationFrame(frame);
    frame = null;
    say(find("stream"), "Stream");
    find("stream").setAttribute("aria-pressed", "false");
  }

  // Slow at first, so that each draw can be followed, then faster.
  function startStream() {
    let last = 0;
    const step = (now) => {
      if (now - last >= 80) {
        last = now;
        drawMore(Math.max(1, Math.floor(shown.made / 40)));
        if (shown.made === MAX_DRAWS) return stopStream();
      }
      frame = requestAnimationFrame(step);
    };
    say(find("stream"), "Stop");
    find("stream").setAttribute("aria-pressed", "true");
    frame = requestAnimationFrame(step);
  }

  // ---- events ---------------------------------------------------------------------------------

  for (const name of ["T", "k", "p", "m"]) {
    find(`${name}-slider`).addEventListener("input", ({target}) => {
      find(name).value = name === "k" && target.value === target.max ? "off" : target.value;
      update();
    });
  }
  for (const name of Object.keys(DEFAULTS)) find(name).addEventListener("input", update);
  find("rows").addEventListener("input", update);
  find("rows").addEventListener("click", ({target}) => {
    if (!target.classList.contains("remove")) return;
    const row = target.closest("li");
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    update();
    part(next, "remove").focus();
  });
  find("add").addEventListener("click", () => {
    const row = addRow("", "0");
    update();
    part(row, "token").focus();
  });
  find("presets").addEventListener("click", ({target}) => {
    const preset = PRESETS[target.dataset.preset];
    if (!preset) return;
    for (const [name, value] of Object.entries(DEFAULTS)) find(name).value = value;
    setRows(Object.entries(preset));
    say(find("link-error"), "");
    update();
  });
  // Browsers take minutes to insert ten thousand lines.
  for (const [name, source] of [["paste", "clipboardData"], ["drop", "dataTransfer"]]) {
    find("list").addEventListener(name, (event) => {
      if (check(find("list"), find("list-error"), () => refuseLongList(event[source].getData("text")) ?? true)) return;
      event.preventDefault();
    });
  }
  find("paste").addEventListener("submit", (event) => {
    event.preventDefault();
    const pairs = check(find("list"), find("list-error"), readList);
    if (!pairs) return;
    setRows(pairs);
    update();
  });
  find("find").addEventListener("submit", (event) => {
    event.preventDefault();
    const T = check(find("perplexity"), find("perplexity-error"), (text) => {
      const found = core.find_temperature(readNumber(text));
      if (found >= 0) return found;
      const [least, most] = [0, 1].map((which) => brief(core.find_perplexity_limit(which)));
      throw new Invalid(`These logits can have a perplexity from ${least} to ${most}.`);
    });
    if (T === undefined) return;
    find("T").value = String(T).replace("Infinity", "inf");
    update();
  });
  find("draws-section").addEventListener("click", ({target}) => {
    if (target.dataset.more) drawMore(Number(target.dataset.more));
    if (target.id === "stream") frame === null ? startStream() : stopStream();
    if (target.id === "clear") {
      stopStream();
      find("draws").value = "0";
      update();
    }
  });
  find("copy").addEventListener("click", async () => {
    find("link").select();
    try {
      await navigator.clipboard.writeText(find("link").value);
      say(find("copied"), "Copied.");
    } catch {
      say(find("copied"), "The link is selected: copy it with your keyboard or menu.");
    }
  });
  window.addEventListener("hashchange", () => {
    if (location.hash === ownFragment) return;
    readLink();
    update();
  });

  const version = core.get_version();
  say(find("version"), `softdraw ${Math.floor(version / 10000)}.${Math.floor(version / 100) % 100}.${version % 100}`);
  readLink();
  update();

  // For tests: what is shown, with each float as the 16 hexadecimal digits of its bits.
  const bits = (x) => new BigUint64Array(new Float64Array([x]).buffer)[0].toString(16).padStart(16, "0");
  window.softdraw = {
    state() {
      if (!shown) return null;
      const {tokens, reasons, counts, latest, made, T, k, p, m} = shown;
      const floats = ["logits", "before", "after"].map((name) => [name, shown[name].map(bits)]);
      const single = ["entropy", "perplexity", "entropyAfter", "perplexityAfter"].map((name) => [name, bits(shown[name])]);
      return {
        tokens, reasons, counts, latest, made, seed: String(shown.seed), T: bits(T), k, p: bits(p), m: bits(m),
        ...Object.fromEntries(floats), ...Object.fromEntries(single),
      };
    },
  };
})();
