// SPDX-License-Identifier: GPL-3.0-or-later
// Line charts over time and the constellation, drawn on canvases.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// A canvas in CSS pixels, sharp on any screen; null while it is not laid out.
function prepare(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !height) return null;
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

const LEFT = 30, RIGHT = 4, TOP = 6, BOTTOM = 6;

export class Chart {
  // title, unit; value(block) -> number or null; text(value) for people; colour name; least and step of the range
  constructor(parent, { title, value, text, ink = "a", floor = null, least = 1, steps = false, tick = String }) {
    Object.assign(this, { title, value, text, ink, floor, least, steps, tick });
    const figure = (this.figure = document.createElement("figure"));
    const caption = document.createElement("figcaption");
    this.name = document.createElement("span");
    this.now = document.createElement("b");
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.name.textContent = title;
    caption.append(this.name, this.now);
    figure.append(caption, this.canvas);
    parent.append(figure);
  }

  draw(blocks, start, end, cursor) {
    const known = blocks.filter((block) => this.value(block) !== null);
    const shown = cursor ?? known.at(-1);
    const value = shown ? this.value(shown) : null;
    this.now.textContent = value === null ? "–" : this.text(value);
    this.describe(known);
    const sheet = prepare(this.canvas);
    if (!sheet) return;
    const { pen, width, height } = sheet;
    pen.font = "10.5px system-ui, sans-serif";
    pen.fillStyle = colour("dim");
    if (!known.length) {
      pen.textAlign = "center";
      pen.fillText(blocks.length ? "not measured" : "no blocks yet", width / 2, height / 2);
      return;
    }
    const [low, high] = this.range(known);
    const x = (time) => LEFT + ((time - start) / (end - start)) * (width - LEFT - RIGHT);
    const y = (v) => height - BOTTOM - ((v - low) / (high - low)) * (height - TOP - BOTTOM);
    pen.textAlign = "right";
    pen.strokeStyle = colour("line");
    pen.lineWidth = 1;
    for (const v of [low, (low + high) / 2, high]) {
      const row = Math.round(y(v)) + 0.5;
      pen.beginPath();
      pen.moveTo(LEFT, row);
      pen.lineTo(width - RIGHT, row);
      pen.stroke();
      if (v !== (low + high) / 2) pen.fillText(this.tick(v), LEFT - 5, row + (v === low ? 0 : 5));
    }
    pen.fillStyle = colour("bad");
    for (const block of blocks) if (!block.ok) pen.fillRect(x(block.time) - 0.75, height - BOTTOM - 5, 1.5, 5);
    pen.strokeStyle = colour(this.ink);
    pen.lineWidth = 1.5;
    pen.lineJoin = "round";
    pen.beginPath();
    let before = null;
    for (const block of blocks) {
      const v = this.value(block);
      if (v !== null) {
        if (before === null) pen.moveTo(x(block.time), y(v));
        else {
          if (this.steps) pen.lineTo(x(block.time), y(before));
          pen.lineTo(x(block.time), y(v));
        }
      }
      before = v;
    }
    pen.stroke();
    const mark = shown;
    if (value !== null) {
      pen.fillStyle = colour(this.ink);
      pen.beginPath();
      pen.arc(x(mark.time), y(value), 3, 0, 2 * Math.PI);
      pen.fill();
    }
    if (cursor) {
      pen.strokeStyle = colour("dim");
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(Math.round(x(cursor.time)) + 0.5, TOP);
      pen.lineTo(Math.round(x(cursor.time)) + 0.5, height - BOTTOM);
      pen.stroke();
    }
  }

  range(blocks) {
    const values = blocks.map(this.value);
    let low = this.floor ?? Math.min(...values), high = Math.max(...values);
    if (high - low < this.least) {
      const middle = (low + high) / 2;
      [low, high] = this.floor === null ? [middle - this.least / 2, middle + this.least / 2] : [low, low + this.least];
    }
    return this.floor === null ? [Math.floor(low), Math.ceil(high)] : [low, high];
  }

  describe(known) {
    const values = known.map(this.value);
    const text = known.length
      ? `${this.title}: now ${this.text(values.at(-1))}, from ${this.text(Math.min(...values))} to ${this.text(Math.max(...values))}`
      : `${this.title}: not known`;
    if (this.canvas.getAttribute("aria-label") !== text) this.canvas.setAttribute("aria-label", text);
  }

  // Time under the pointer.
  timeAt(clientX, start, end) {
    const box = this.canvas.getBoundingClientRect();
    return start + ((clientX - box.left - LEFT) / (box.width - LEFT - RIGHT)) * (end - start);
  }
}

const ORDERS = { QPSK: 4, "16QAM": 16, "64QAM": 64, "256QAM": 256 };
const SYMBOL_SCALE = 64; // as the server counts

export function drawConstellation(canvas, symbols, label) {
  const sheet = prepare(canvas);
  if (!sheet) return;
  const { pen, width, height } = sheet;
  const reach = 1.75, scale = Math.min(width, height) / 2 / reach;
  pen.strokeStyle = colour("line");
  pen.beginPath();
  pen.moveTo(width / 2, 0);
  pen.lineTo(width / 2, height);
  pen.moveTo(0, height / 2);
  pen.lineTo(width, height / 2);
  pen.stroke();
  pen.fillStyle = colour("a");
  pen.globalAlpha = 0.55;
  for (let i = 0; i + 1 < symbols.length; i += 2) {
    const x = width / 2 + (symbols[i] / SYMBOL_SCALE) * scale, y = height / 2 - (symbols[i + 1] / SYMBOL_SCALE) * scale;
    pen.fillRect(x - 1.25, y - 1.25, 2.5, 2.5);
  }
  pen.globalAlpha = 1;
  const order = ORDERS[(label || "").split(" ")[0]];
  if (!order || !symbols.length) return;
  const side = Math.sqrt(order), unit = Math.sqrt(3 / (2 * (order - 1))), arm = order > 64 ? 1.5 : 3;
  pen.strokeStyle = colour("b");
  pen.beginPath();
  for (let i = 0; i < side; i++)
    for (let q = 0; q < side; q++) {
      const x = width / 2 + (2 * i - side + 1) * unit * scale, y = height / 2 + (2 * q - side + 1) * unit * scale;
      pen.moveTo(x - arm, y);
      pen.lineTo(x + arm, y);
      pen.moveTo(x, y - arm);
      pen.lineTo(x, y + arm);
    }
  pen.stroke();
}
