// The points of the map, drawn on a canvas below Plotly's axes: by WebGL if there are
// many and the browser has it, else in two dimensions. Plotly's own traces take a
// fifth of a second to recolour 25,000 points; this takes a hundredth.

const MANY_POINTS = 5000;
const N_LEVELS = 24; // colours on each side of 0, without WebGL
const SHAPES = ["circle", "square", "diamond", "triangle", "triangle-down", "cross"];
const FADED = 0.3, ASIDE = 0.06, SURE = 0.92;

// scene: x, y (places), shape (number of each class), level (-1..1), alpha (0..1), size
function makeDots(canvas, scene) {
  if (scene.n > MANY_POINTS) {
    const gl = canvas.getContext("webgl", { antialias: false, premultipliedAlpha: true });
    if (gl) return drawByWebGL(gl, scene);
  }
  return drawByContext(canvas.getContext("2d"), scene);
}

// Fit the canvas to a rectangle of the page; returns device pixels per CSS pixel.
function fitCanvas(canvas, box) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.max(1, Math.round(box.width * ratio)), height = Math.max(1, Math.round(box.height * ratio));
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  Object.assign(canvas.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` });
  return ratio;
}

function mixColor(level, colors) {
  const end = level < 0 ? colors.negative : colors.positive, t = Math.abs(level);
  return colors.middle.map((m, j) => Math.round(m + (end[j] - m) * t));
}

function tracePath(context, shape, x, y, r) {
  context.beginPath();
  if (shape === 0) context.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === 1) context.rect(x - 0.86 * r, y - 0.86 * r, 1.72 * r, 1.72 * r);
  else if (shape === 5) {
    const w = 0.4 * r;
    context.rect(x - r, y - w, 2 * r, 2 * w);
    context.rect(x - w, y - r, 2 * w, 2 * r);
  } else {
    const corners = {
      2: [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]],
      3: [[0, -1.1], [1.1, 0.8], [-1.1, 0.8]],
      4: [[0, 1.1], [1.1, -0.8], [-1.1, -0.8]],
    }[shape];
    corners.forEach(([dx, dy], j) => context[j ? "lineTo" : "moveTo"](x + r * dx, y + r * dy));
    context.closePath();
  }
}

// How much of each pixel a shape covers, from 0 to 255.
function coverShape(shape, radius) {
  const side = Math.ceil(2.5 * radius) + 1, picture = document.createElement("canvas");
  picture.width = picture.height = side;
  const pen = picture.getContext("2d");
  tracePath(pen, shape, side / 2, side / 2, radius);
  pen.fill();
  const pixels = pen.getImageData(0, 0, side, side).data;
  return { side, cover: Uint8Array.from({ length: side * side }, (_, j) => pixels[4 * j + 3]) };
}

// Lay a color over a pixel that may be transparent.
function blend(pixels, at, color, alpha) {
  const under = (pixels[at + 3] / 255) * (1 - alpha), whole = alpha + under;
  for (let j = 0; j < 3; j++) pixels[at + j] = (color[j] * alpha + pixels[at + j] * under) / whole;
  pixels[at + 3] = 255 * whole;
}

// Pixel by pixel: without a graphics card a canvas draws shapes ten times slower.
function drawByContext(context, scene) {
  let stamps = [], drawnAt = 0;
  function stamp(image, i, x, y, color) {
    const { side, cover } = stamps[scene.shape[i]], { width, height, data } = image;
    const left = Math.round(x - side / 2), top = Math.round(y - side / 2);
    for (let row = Math.max(0, -top); row < Math.min(side, height - top); row++) {
      for (let column = Math.max(0, -left); column < Math.min(side, width - left); column++) {
        const covered = cover[row * side + column];
        if (covered) blend(data, 4 * ((top + row) * width + left + column), color, (covered / 255) * scene.alpha[i]);
      }
    }
  }
  return (view) => {
    const ratio = fitCanvas(context.canvas, view.box), { width, height } = context.canvas;
    if (drawnAt !== ratio) stamps = SHAPES.map((_, shape) => coverShape(shape, scene.size * ratio));
    drawnAt = ratio;
    const image = context.createImageData(width, height);
    const colors = Array.from({ length: 2 * N_LEVELS + 1 }, (_, j) => mixColor(j / N_LEVELS - 1, view.colors));
    const ax = width / (view.x[1] - view.x[0]), ay = height / (view.y[1] - view.y[0]);
    // The faded ones first, so that they never cover the others.
    for (const isSure of [false, true]) {
      for (let i = 0; i < scene.n; i++) {
        if (scene.alpha[i] === 0 || scene.alpha[i] > 0.5 !== isSure) continue;
        const x = (scene.x[i] - view.x[0]) * ax, y = height - (scene.y[i] - view.y[0]) * ay;
        const color = colors[Math.round((scene.level[i] + 1) * N_LEVELS)];
        if (x > -9 && y > -9 && x < width + 9 && y < height + 9) stamp(image, i, x, y, color);
      }
    }
    context.putImageData(image, 0, 0);
  };
}

const VERTEX_SHADER = `
attribute vec2 place; attribute float shape; attribute vec2 look;
uniform vec4 range; uniform mediump float size; uniform float above;
varying float kind, level, alpha;
void main() {
  vec2 share = (place - range.xy) / (range.zw - range.xy);
  bool shown = look.y > 0.0 && (look.y > 0.5) == (above > 0.5);
  gl_Position = shown ? vec4(share * 2.0 - 1.0, 0.0, 1.0) : vec4(9.0);
  gl_PointSize = size * 2.5; kind = shape; level = look.x; alpha = look.y;
}`;
const FRAGMENT_SHADER = `
precision mediump float;
varying float kind, level, alpha;
uniform vec3 negative, middle, positive; uniform float size;
void main() {
  vec2 p = (gl_PointCoord - 0.5) * 2.5; float far = length(p);
  if (kind > 0.5) far = max(abs(p.x), abs(p.y)) / 0.86;
  if (kind > 1.5) far = (abs(p.x) + abs(p.y)) / 1.2;
  if (kind > 2.5) far = max(p.y / 0.8, (1.727 * abs(p.x) - p.y) / 1.1);
  if (kind > 3.5) far = max(-p.y / 0.8, (1.727 * abs(p.x) + p.y) / 1.1);
  if (kind > 4.5) far = max(max(abs(p.x), abs(p.y)), min(abs(p.x), abs(p.y)) / 0.4);
  float inside = clamp((1.0 - far) * size + 0.5, 0.0, 1.0) * alpha;
  vec3 color = mix(middle, level < 0.0 ? negative : positive, abs(level));
  gl_FragColor = vec4(color * inside, inside);
}`;

function drawByWebGL(gl, scene) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX_SHADER], [gl.FRAGMENT_SHADER, FRAGMENT_SHADER]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const uniform = (name) => gl.getUniformLocation(program, name);
  function feed(name, values, width) {
    const place = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, width, gl.FLOAT, false, 0, 0);
  }
  const places = new Float32Array(2 * scene.n), looks = new Float32Array(2 * scene.n);
  for (let i = 0; i < scene.n; i++) {
    // Points without a place are drawn nowhere.
    const known = Number.isFinite(scene.x[i]);
    places[2 * i] = known ? scene.x[i] : 1e9;
    places[2 * i + 1] = known ? scene.y[i] : 1e9;
  }
  feed("place", places, 2);
  feed("shape", Float32Array.from(scene.shape), 1);
  feed("look", looks, 2);
  return (view) => {
    const ratio = fitCanvas(gl.canvas, view.box);
    for (let i = 0; i < scene.n; i++) {
      looks[2 * i] = scene.level[i];
      looks[2 * i + 1] = scene.alpha[i];
    }
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, looks);
    gl.viewport(0, 0, gl.canvas.width, gl.canvas.height);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform4f(uniform("range"), view.x[0], view.y[0], view.x[1], view.y[1]);
    gl.uniform1f(uniform("size"), scene.size * ratio);
    for (const side of ["negative", "middle", "positive"]) {
      gl.uniform3fv(uniform(side), view.colors[side].map((v) => v / 255));
    }
    for (const above of [0, 1]) {
      gl.uniform1f(uniform("above"), above);
      gl.drawArrays(gl.POINTS, 0, scene.n);
    }
  };
}

// Many points: one mark for each cell of a grid, the more opaque the more points.
function drawCells(context, cells) {
  return (view) => {
    fitCanvas(context.canvas, view.box);
    const { width, height } = context.canvas;
    context.clearRect(0, 0, width, height);
    const ax = width / (view.x[1] - view.x[0]), ay = height / (view.y[1] - view.y[0]);
    const w = (cells.width * ax) / 2, h = cells.height * ay;
    for (let j = 0; j < cells.x.length; j++) {
      const x = (cells.x[j] - view.x[0]) * ax, y = height - (cells.y[j] - view.y[0]) * ay;
      context.globalAlpha = cells.alpha[j];
      context.fillStyle = `rgb(${mixColor(cells.level[j], view.colors).join()})`;
      context.fillRect(cells.positive[j] ? x : x - w, y - h / 2, Math.max(w - 0.5, 1), Math.max(h - 0.5, 1));
    }
    context.globalAlpha = 1;
  };
}
