// SPDX-License-Identifier: GPL-3.0-or-later
// The live page: one WebSocket, each message answered with "ok" once it is shown, so a slow viewer misses frames.
import { Chart, drawConstellation } from "./charts.js";

const $ = (id) => document.getElementById(id);
const MAX_BLOCKS = 600, MAX_EVENTS = 200, TABLE_ROWS = 20, HIDDEN_ANSWER_MS = 1000;
const view = { run: null, blocks: [], labels: [], symbols: [], cursor: null, state: null, frames: [] };

const number = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "–");
const set = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };
const label = (row) => view.labels[row] ?? `row ${row}`;
const percent = (share) => `${(100 * share).toFixed(share && share < 0.1 ? 1 : 0)} %`;

const charts = [
  new Chart($("charts"), { title: "SNR", value: (b) => b.snr, text: (v) => `${v.toFixed(1)} dB`, least: 4 }),
  new Chart($("charts"), { title: "MCS", value: (b) => b.mcs, text: label, ink: "b", least: 2, steps: true, tick: (v) => (Number.isInteger(v) && v >= 0 ? String(v) : "") }),
  new Chart($("charts"), { title: "BLER", value: (b) => b.bler, text: percent, ink: "bad", floor: 0, least: 0.1, tick: (v) => `${Math.round(100 * v)}%` }),
  new Chart($("charts"), { title: "Prefix K", value: (b) => b.k, text: (v) => `${v} tokens`, ink: "c", floor: 0, least: 16, tick: (v) => String(Math.round(v)) }),
  new Chart($("charts"), { title: "Latency", value: (b) => b.latency, text: (v) => `${Math.round(v)} ms`, floor: 0, least: 100, tick: (v) => String(Math.round(v)) }),
];

// ---- state -----------------------------------------------------------------------------------------------------

function takeState(state) {
  if (state.run !== view.run) {
    Object.assign(view, { run: state.run, blocks: [], cursor: null, frames: [] });
    $("events").replaceChildren();
  }
  Object.assign(view, { state, labels: state.mcs_labels, symbols: state.symbols });
  for (const [time, frame, mcs, snr, ok, k, latency, bler] of state.blocks)
    view.blocks.push({ time, frame, mcs, snr, ok, k, latency, bler });
  view.blocks.splice(0, Math.max(0, view.blocks.length - MAX_BLOCKS));
  addEvents(state.events);
  showHead(state);
  showRecording(state.recording);
  if (document.hidden) return;
  showFigures(state);
  showTables(state);
  drawAll();
}

function showHead(state) {
  set("title", state.title);
  document.title = `${state.title} – gr-resivid`;
  set("signal", state.signal);
  const names = { waiting: "Waiting for the picture", running: "Live", ended: "Ended", failed: "Failed" };
  showStatus(names[state.phase], state.phase === "running" ? "live" : state.phase === "waiting" ? "connecting" : "lost");
  $("original-box").hidden = !state.simulated;
  // A simulation has no camera and so no latency, a receiver over the air does not know K.
  const unknown = [["Latency", "box-latency"], ["Prefix K", "box-k"]].filter(([title, box]) => {
    const chart = charts.find((c) => c.title === title);
    return (chart.figure.hidden = $(box).hidden = !view.blocks.some((b) => chart.value(b) !== null));
  });
  $("box-symbols").hidden = unknown.length !== 1;
  if (state.simulated) $("waiting").textContent = "No picture yet";
}

function showStatus(text, state) {
  set("status", text);
  $("status").dataset.state = state;
  $("pictures").classList.toggle("stale", state === "lost" && text !== "Ended");
}

function showFigures(state) {
  const last = view.blocks.at(-1), document_ = state.statistics;
  set("f-snr", last && last.snr !== null ? `${number(last.snr, 1)} dB` : "–");
  set("f-mcs", last ? label(last.mcs) : "–");
  set("f-bler", last ? percent(last.bler) : "–");
  $("f-bler").classList.toggle("bad", Boolean(last && last.bler > 0.1));
  set("f-k", last && last.k !== null ? `${last.k}` : "–");
  set("f-latency", last && last.latency !== null ? `${Math.round(last.latency)} ms` : "–");
  set("f-symbols", document_.symbols_mean ? number(document_.symbols_mean, 0) : "–");
  set("f-psnr", document_.psnr_db === null ? "–" : `${number(document_.psnr_db, 1)} dB`);
  set("version", document_.version ? `· gr-resivid ${document_.version}` : "");
}

function showTables(state) {
  const s = state.statistics, rows = [];
  const add = (name, value) => { if (value !== null && value !== undefined && value !== "") rows.push([name, value]); };
  add("Frames", s.frames);
  add("Key frames", s.key_frames);
  add("Blocks failed", `${s.blocks_failed} of ${s.blocks}`);
  add("Frame rate", s.fps && `${number(s.fps, 2).replace(/\.?0+$/, "")} frame/s`);
  add("Stride S, GOP N", s.stride && `${s.stride}, ${s.gop} frames`);
  add("CBR", s.cbr_total && s.cbr_total.toExponential(2));
  add("Symbols a key frame", s.symbols_mean && number(s.symbols_mean, 0));
  add("SNR, set", s.snr_set_db === null ? null : `${number(s.snr_set_db, 1)} dB`);
  add("SNR, mean estimate", s.snr_est_db === null ? null : `${number(s.snr_est_db, 2)} dB`);
  add("K, mean", s.k_mean === null ? null : number(s.k_mean, 1));
  add("Latency, median", s.latency_ms && `${number(s.latency_ms.p50, 0)} ms`);
  for (const [name, value] of Object.entries(state.details))
    add(name, typeof value === "number" ? number(value, Number.isInteger(value) ? 0 : 2) : value);
  fill($("stream"), rows, ([name, value]) => {
    const row = document.createElement("div");
    row.append(element("dt", name), element("dd", value));
    return row;
  });
  fill($("stages").tBodies[0], Object.entries(s.stage_ms), ([name, { mean, p95 }]) => tableRow([name, number(mean, 1), number(p95, 1)]));
  if (document.querySelector("details").open)
    fill($("blocks").tBodies[0], view.blocks.slice(-TABLE_ROWS).reverse(), (b) => {
      const row = tableRow([b.frame, number(b.snr ?? NaN, 1), label(b.mcs), b.ok ? "good" : "failed", b.k ?? "–", b.latency ?? "–"]);
      if (!b.ok) row.cells[3].className = "bad";
      return row;
    });
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function tableRow(cells) {
  const row = document.createElement("tr");
  row.append(...cells.map((cell) => element("td", cell)));
  return row;
}

// Anew only when the text differs, so that a selection and a screen reader's place stay.
function fill(parent, items, make) {
  const key = JSON.stringify(items);
  if (parent.dataset.key === key) return;
  parent.dataset.key = key;
  parent.replaceChildren(...items.map(make));
}

function addEvents(events) {
  for (const [time, level, text] of events) {
    const item = document.createElement("li"), when = new Date(1000 * time);
    const stamp = element("time", when.toLocaleTimeString([], { hour12: false }));
    stamp.dateTime = when.toISOString();
    item.className = level;
    item.append(stamp, element("span", text));
    $("events").append(item);
  }
  while ($("events").childElementCount > MAX_EVENTS) $("events").firstChild.remove();
}

// ---- charts ----------------------------------------------------------------------------------------------------

function span() {
  const blocks = view.blocks;
  if (!blocks.length) return [0, 1];
  return [blocks[0].time, Math.max(blocks.at(-1).time, blocks[0].time + 10)];
}

function drawAll() {
  const [start, end] = span();
  for (const chart of charts) chart.draw(view.blocks, start, end, view.cursor);
  const seconds = Math.round(end - start);
  set("span", view.blocks.length ? `last ${seconds >= 120 ? `${Math.round(seconds / 60)} min` : `${seconds} s`}, ${view.blocks.length} blocks, red: lost` : "");
  drawConstellation($("constellation"), view.symbols, view.blocks.length ? label(view.blocks.at(-1).mcs) : "");
}

function moveCursor(block) {
  view.cursor = block;
  drawAll();
}

for (const chart of charts) {
  chart.canvas.addEventListener("pointermove", (event) => {
    const time = chart.timeAt(event.clientX, ...span());
    moveCursor(view.blocks.reduce((best, b) => (!best || Math.abs(b.time - time) < Math.abs(best.time - time) ? b : best), null));
  });
  chart.canvas.addEventListener("pointerleave", () => moveCursor(null));
}

$("charts").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
  if (event.key === "Escape") moveCursor(null);
  else if (step && view.blocks.length) {
    const at = view.cursor ? view.blocks.indexOf(view.cursor) : view.blocks.length;
    moveCursor(view.blocks[Math.min(view.blocks.length - 1, Math.max(0, at + step))]);
    const b = view.cursor;
    set("reading", `Frame ${b.frame}, ${b.ok ? "received" : "lost"}: ` + charts.filter((c) => c.value(b) !== null).map((c) => `${c.title} ${c.text(c.value(b))}`).join(", "));
  } else return;
  event.preventDefault();
});
$("charts").addEventListener("blur", () => moveCursor(null));
new ResizeObserver(drawAll).observe($("charts"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
document.querySelector("details").addEventListener("toggle", () => view.state && showTables(view.state));

// ---- pictures --------------------------------------------------------------------------------------------------

async function takePictures(data) {
  const header = new DataView(data), index = header.getUint32(0), length = header.getUint32(4);
  if (!document.hidden) {
    await Promise.all([paint("received", data.slice(8, 8 + length)), paint("original", data.slice(8 + length))]);
    $("waiting").hidden = true;
    $("snapshot").disabled = false;
  }
  const now = performance.now();
  view.frames = [...view.frames.filter((time) => now - time < 3000), now];
  const rate = view.frames.length > 1 ? (1000 * (view.frames.length - 1)) / (now - view.frames[0]) : 0;
  set("frame", `Frame ${index}`);
  set("shown", rate ? ` · ${rate.toFixed(rate < 10 ? 1 : 0)} shown a second` : "");
}

async function paint(id, jpeg) {
  if (!jpeg.byteLength) return;
  const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" })), canvas = $(id);
  if (canvas.width !== picture.width || canvas.height !== picture.height)
    Object.assign(canvas, { width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
}

$("snapshot").addEventListener("click", async () => {
  const answer = await fetch("/snapshot.png").catch(() => null);
  if (!answer?.ok) return notice("The snapshot could not be fetched.");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "frame.png";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});

$("full").hidden = !document.fullscreenEnabled;
$("full").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : $("pictures").requestFullscreen()));
document.addEventListener("fullscreenchange", () => set("full", document.fullscreenElement ? "Leave full screen" : "Full screen"));

$("record").addEventListener("click", async () => {
  const on = $("record").getAttribute("aria-pressed") !== "true";
  const answer = await fetch("/recording", { method: "POST", body: JSON.stringify({ on }) }).catch(() => null);
  if (answer?.ok) showRecording(await answer.json());
  else notice(answer ? await answer.text() : "The receiver does not answer.");
});

function showRecording(recording) {
  $("record").hidden = !recording;
  if (!recording) return;
  const minutes = Math.floor(recording.seconds / 60), seconds = String(Math.floor(recording.seconds % 60)).padStart(2, "0");
  $("record").setAttribute("aria-pressed", recording.on);
  set("record", recording.on ? `Stop ${minutes}:${seconds}` : "Record");
  $("files").hidden = !recording.files.length;
  fill($("files"), recording.files, (name) => {
    const item = document.createElement("li"), link = element("a", name);
    link.href = `/recordings/${encodeURIComponent(name)}`;
    link.download = name;
    item.append(link);
    return item;
  });
  if (recording.error) notice(`Recording: ${recording.error}`);
}

// ---- connection ------------------------------------------------------------------------------------------------

function notice(text) {
  set("notice", text);
  $("notice").hidden = !text;
}

let wait = 250;

async function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => { wait = 250; notice(""); });
  let turn = Promise.resolve(); // messages are shown one after the other
  socket.addEventListener("message", ({ data }) => {
    turn = turn.then(() => (typeof data === "string" ? takeState(JSON.parse(data)) : takePictures(data)))
      .catch((error) => notice(`A message could not be shown: ${error.message}`))
      .then(() => document.hidden && new Promise((done) => setTimeout(done, HIDDEN_ANSWER_MS)))
      .then(() => socket.readyState === WebSocket.OPEN && socket.send("ok"));
  });
  socket.addEventListener("close", async () => {
    const over = view.state?.phase === "ended";
    showStatus(over ? "Ended" : "Reconnecting", over ? "lost" : "connecting");
    $("pictures").classList.toggle("stale", !over);
    setTimeout(retry, wait * (0.75 + Math.random() / 2));
    wait = Math.min(5000, 2 * wait);
  });
}

// Asks first: a page whose token is of an earlier run would otherwise try for ever.
async function retry() {
  const answer = await fetch("/stats").catch(() => null);
  if (answer?.status === 401) return notice("The receiver was started anew with another token: open the address that it printed.");
  connect();
}

addEventListener("online", () => { wait = 250; });
connect();
