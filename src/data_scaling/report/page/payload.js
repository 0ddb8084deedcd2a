// The page's numbers: a JSON text and little-endian arrays, compressed, in base64.

const ARRAYS = {
  float64: Float64Array, float32: Float32Array, int32: Int32Array, uint32: Uint32Array,
  uint16: Uint16Array, int8: Int8Array, uint8: Uint8Array,
};

async function unpack(base64) {
  const text = atob(base64);
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const header = new Uint8Array(buffer, 4, length);
  const run = JSON.parse(new TextDecoder().decode(header));
  for (const [name, place] of Object.entries(run.arrays)) {
    const from = 4 + length + place.offset;
    run.arrays[name] = new ARRAYS[place.dtype](buffer, from, place.length);
    run.arrays[name].width = place.width;
  }
  return run;
}
