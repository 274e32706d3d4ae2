// Where the boxes of a task graph go: layers from left to right, few crossings, short lines. Pure functions;
// knows nothing of tasks or of the page.

const SWEEPS = 8;

/**
 * @param ids in the order that decides where nothing else does.
 * @param edges [[from, to], …]; a cycle is broken at an arbitrary edge.
 * @param size {width, height, gapX, gapY} of boxes and between them.
 * @returns {{width, height, boxes: Map<id, {x, y, layer}>, lines: [{from, to, points: [[x, y], …]}]}}
 */
export function layout(ids, edges, size) {
  const known = new Set(ids);
  const pairs = unique(edges.filter(([from, to]) => known.has(from) && known.has(to) && from !== to));
  const parts = components(ids, pairs).map((part) => layoutPart(part, pairs.filter(([from]) => part.has(from)), size));
  return pack(parts, size);
}

function unique(edges) {
  return [...new Map(edges.map((edge) => [edge.join(" "), edge])).values()];
}

function components(ids, edges) {
  const near = new Map(ids.map((id) => [id, []]));
  for (const [from, to] of edges) {
    near.get(from).push(to);
    near.get(to).push(from);
  }
  const seen = new Set();
  const parts = [];
  for (const id of ids) {
    if (seen.has(id)) continue;
    const part = new Set([id]);
    for (const each of part) for (const other of near.get(each)) part.add(other);
    for (const each of part) seen.add(each);
    parts.push(new Set(ids.filter((each) => part.has(each))));
  }
  return parts;
}

/** The longest way from a source, then sources moved right, next to what needs them. */
function layersOf(ids, edges) {
  const after = new Map([...ids].map((id) => [id, []]));
  const waits = new Map([...ids].map((id) => [id, 0]));
  for (const [from, to] of edges) {
    after.get(from).push(to);
    waits.set(to, waits.get(to) + 1);
  }
  const layer = new Map();
  const order = [];
  let ready = [...ids].filter((id) => waits.get(id) === 0);
  if (!ready.length) ready = [[...ids][0]];
  for (const id of ready) layer.set(id, 0);
  while (ready.length) {
    const id = ready.shift();
    order.push(id);
    for (const next of after.get(id)) {
      layer.set(next, Math.max(layer.get(next) ?? 0, layer.get(id) + 1));
      waits.set(next, waits.get(next) - 1);
      if (waits.get(next) === 0) ready.push(next);
    }
  }
  for (const id of ids) if (!layer.has(id)) layer.set(id, 0);
  const hasBefore = new Set(edges.map(([, to]) => to));
  for (const id of order.reverse()) {
    const nexts = after.get(id);
    if (!hasBefore.has(id) && nexts.length) layer.set(id, Math.max(0, Math.min(...nexts.map((next) => layer.get(next))) - 1));
  }
  return layer;
}

function layoutPart(ids, edges, size) {
  const layer = layersOf(ids, edges);
  const rows = [];
  const place = (id, at) => (rows[at] ??= []).push(id);
  for (const id of ids) place(id, layer.get(id));
  // A line over several layers passes a point in each, which takes part in the ordering like a box.
  const chains = edges.filter(([from, to]) => layer.get(from) < layer.get(to)).map(([from, to], index) => {
    const chain = [from];
    for (let at = layer.get(from) + 1; at < layer.get(to); at += 1) {
      const point = `${index}/${at}`;
      layer.set(point, at);
      place(point, at);
      chain.push(point);
    }
    return [...chain, to];
  });
  const before = new Map();
  const after = new Map();
  for (const chain of chains) {
    for (let i = 1; i < chain.length; i += 1) {
      (after.get(chain[i - 1]) ?? after.set(chain[i - 1], []).get(chain[i - 1])).push(chain[i]);
      (before.get(chain[i]) ?? before.set(chain[i], []).get(chain[i])).push(chain[i - 1]);
    }
  }
  const filled = Array.from({ length: rows.length }, (_, at) => rows[at] ?? []);
  sortLayers(filled, before, after);
  const y = placeLayers(filled, before, after, (id) => (ids.has(id) ? size.height + size.gapY : size.gapY));
  const top = Math.min(...y.values());
  const boxes = new Map();
  for (const id of ids) boxes.set(id, { x: layer.get(id) * (size.width + size.gapX), y: y.get(id) - top, layer: layer.get(id) });
  const lines = chains.map((chain) => ({
    from: chain[0],
    to: chain.at(-1),
    points: chain.flatMap((id, i) => {
      const left = layer.get(id) * (size.width + size.gapX);
      const middle = y.get(id) - top + size.height / 2;
      if (i === 0) return [[left + size.width, middle]];
      return i === chain.length - 1 ? [[left, middle]] : [[left, middle], [left + size.width, middle]];
    }),
  }));
  return {
    boxes, lines,
    width: Math.max(...[...boxes.values()].map((box) => box.x)) + size.width,
    height: Math.max(...[...boxes.values()].map((box) => box.y)) + size.height,
  };
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** Each layer in the order of the average place of its neighbours, back and forth. */
function sortLayers(rows, before, after) {
  const index = new Map();
  const number = (row) => row.forEach((id, at) => index.set(id, at));
  rows.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forth = sweep % 2 === 0;
    const near = forth ? before : after;
    for (const row of forth ? rows : [...rows].reverse()) {
      const want = new Map(row.map((id) => [id, near.has(id) ? mean(near.get(id).map((other) => index.get(other))) : index.get(id)]));
      row.sort((one, other) => want.get(one) - want.get(other) || index.get(one) - index.get(other));
      number(row);
    }
  }
}

/** Heights: each where its neighbours are, on average, as far as the order and the gaps allow. */
function placeLayers(rows, before, after, room) {
  const y = new Map();
  for (const row of rows) {
    let at = 0;
    for (const id of row) {
      y.set(id, at);
      at += room(id);
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const row of sweep % 2 === 0 ? rows : [...rows].reverse()) {
      const want = row.map((id) => {
        const near = [...(before.get(id) ?? []), ...(after.get(id) ?? [])];
        return near.length ? mean(near.map((other) => y.get(other))) : y.get(id);
      });
      spread(row, want, room).forEach((value, i) => y.set(row[i], value));
    }
  }
  return y;
}

/** The places nearest to those wanted that keep order and room: neighbours that clash are moved as one block. */
function spread(row, want, room) {
  const offset = [0];
  for (let i = 1; i < row.length; i += 1) offset.push(offset[i - 1] + room(row[i - 1]));
  const blocks = [];
  want.forEach((value, i) => {
    blocks.push({ at: value - offset[i], count: 1 });
    while (blocks.length > 1 && blocks.at(-2).at > blocks.at(-1).at) {
      const last = blocks.pop();
      const block = blocks.at(-1);
      block.at = (block.at * block.count + last.at * last.count) / (block.count + last.count);
      block.count += last.count;
    }
  });
  return blocks.flatMap((block) => Array(block.count).fill(block.at)).map((value, i) => value + offset[i]);
}

/** Unconnected parts: the large ones below each other, the small ones in rows. */
function pack(parts, size) {
  const boxes = new Map();
  const lines = [];
  const widest = Math.max(...parts.map((part) => part.width), 3 * (size.width + size.gapX));
  let x = 0;
  let y = 0;
  let rowHeight = 0;
  let width = 0;
  for (const part of [...parts].sort((one, other) => other.boxes.size - one.boxes.size)) {
    if (x > 0 && x + part.width > widest) {
      x = 0;
      y += rowHeight + 2 * size.gapY;
      rowHeight = 0;
    }
    for (const [id, box] of part.boxes) boxes.set(id, { ...box, x: box.x + x, y: box.y + y });
    for (const line of part.lines) lines.push({ ...line, points: line.points.map(([left, top]) => [left + x, top + y]) });
    rowHeight = Math.max(rowHeight, part.height);
    width = Math.max(width, x + part.width);
    x += part.width + size.gapX;
  }
  return { boxes, lines, width, height: y + rowHeight };
}
