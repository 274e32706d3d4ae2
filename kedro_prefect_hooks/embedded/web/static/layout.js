// Where the boxes of a task graph go: layers from left to right, few crossings, short lines. Pure functions;
// knows nothing of tasks or of the page.

const SWEEPS = 8;
const SHAPE = 2; // width to height
const MORE_COLUMNS = 24; // than the widest part has, at most

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
  const half = (id) => (ids.has(id) ? size.height / 2 : 0);
  const middle = placeLayers(filled, before, after, (one, other) => half(one) + size.gapY + half(other));
  const top = Math.min(...[...middle].map(([id, y]) => y - half(id)));
  const left = (id) => layer.get(id) * (size.width + size.gapX);
  const boxes = new Map();
  for (const id of ids) boxes.set(id, { x: left(id), y: middle.get(id) - half(id) - top, layer: layer.get(id) });
  const lines = chains.map((chain) => ({
    from: chain[0],
    to: chain.at(-1),
    points: chain.flatMap((id, i) => {
      const start = [left(id), middle.get(id) - top];
      const end = [left(id) + size.width, middle.get(id) - top];
      if (i === 0) return [end];
      return i === chain.length - 1 ? [start] : [start, end];
    }),
  }));
  return {
    boxes, lines,
    width: Math.max(...[...boxes.values()].map((box) => box.x)) + size.width,
    height: Math.max(...[...middle].map(([id, y]) => y + half(id))) - top,
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

/**
 * Heights of the middles: each where its neighbours are, on average, as far as order and room allow.
 * `room` is what must be between the middles of two that follow each other.
 */
function placeLayers(rows, before, after, room) {
  const y = new Map();
  for (const row of rows) offsets(row, room).forEach((at, i) => y.set(row[i], at));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const row of sweep % 2 === 0 ? rows : [...rows].reverse()) {
      const want = row.map((id) => {
        const near = [...(before.get(id) ?? []), ...(after.get(id) ?? [])];
        return near.length ? mean(near.map((other) => y.get(other))) : y.get(id);
      });
      spread(want, offsets(row, room)).forEach((value, i) => y.set(row[i], value));
    }
  }
  return y;
}

function offsets(row, room) {
  const found = [0];
  for (let i = 1; i < row.length; i += 1) found.push(found[i - 1] + room(row[i - 1], row[i]));
  return found;
}

/** The places nearest to those wanted that keep order and room: neighbours that clash are moved as one block. */
function spread(want, offset) {
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

/** Unconnected parts beside and below each other, in the number of columns that makes the shape of a screen. */
function pack(parts, size) {
  const unit = size.width + size.gapX;
  const sized = parts
    .map((part) => ({ part, wide: Math.round((part.width + size.gapX) / unit), room: part.height + 2 * size.gapY }))
    .sort((one, other) => other.wide * other.room - one.wide * one.room);
  const least = Math.max(1, ...sized.map((each) => each.wide));
  const most = Math.min(least + MORE_COLUMNS, Math.max(least, sized.reduce((sum, each) => sum + each.wide, 0)));
  let best = null;
  for (let columns = least; columns <= most; columns += 1) {
    const found = packInto(columns, sized);
    const extent = Math.max(columns * unit, found.height * SHAPE);
    if (!best || extent < best.extent) best = { ...found, columns, extent };
  }
  const boxes = new Map();
  const lines = [];
  sized.forEach(({ part }, index) => {
    const { column, y } = best.places[index];
    for (const [id, box] of part.boxes) boxes.set(id, { ...box, x: box.x + column * unit, y: box.y + y });
    for (const line of part.lines) lines.push({ ...line, points: line.points.map(([left, top]) => [left + column * unit, top + y]) });
  });
  return { boxes, lines, width: best.columns * unit - size.gapX, height: Math.max(0, best.height - 2 * size.gapY) };
}

/** Each part as far up as it goes, then as far left. */
function packInto(columns, sized) {
  const filled = Array(columns).fill(0); // how far down each column is taken
  const places = sized.map(({ wide, room }) => {
    let place = { column: 0, y: Infinity };
    for (let column = 0; column + wide <= columns; column += 1) {
      const y = Math.max(...filled.slice(column, column + wide));
      if (y < place.y) place = { column, y };
    }
    filled.fill(place.y + room, place.column, place.column + wide);
    return place;
  });
  return { places, height: Math.max(...filled) };
}
