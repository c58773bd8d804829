// Files into one, without compression: pictures are compressed already.
const CHECKS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  return rest;
});
function crc32(bytes) {
  let rest = -1;
  for (let i = 0; i < bytes.length; i += 1) rest = (rest >>> 8) ^ CHECKS[(rest ^ bytes[i]) & 255];
  return ~rest >>> 0;
}

/* A ZIP file of [name, bytes] pairs, as parts of a Blob. */
function zip(files, now = new Date()) {
  const time = (now.getHours() << 11) | (now.getMinutes() << 5) | (now.getSeconds() >> 1);
  const date = ((now.getFullYear() - 1980) << 9) | ((now.getMonth() + 1) << 5) | now.getDate();
  function record(...fields) {  // [bytes, value] pairs, little-endian
    const view = new DataView(new ArrayBuffer(fields.reduce((sum, [size]) => sum + size, 0)));
    let at = 0;
    for (const [size, value] of fields) {
      if (size === 2) view.setUint16(at, value, true); else view.setUint32(at, value, true);
      at += size;
    }
    return new Uint8Array(view.buffer);
  }
  const parts = [], directory = [];
  let offset = 0;
  for (const [text, bytes] of files) {
    const name = new TextEncoder().encode(text);
    // Version, names in UTF-8, no compression, when, checksum, sizes, length of the name, no more.
    const facts = [[2, 20], [2, 0x800], [2, 0], [2, time], [2, date], [4, crc32(bytes)],
      [4, bytes.length], [4, bytes.length], [2, name.length], [2, 0]];
    const local = record([4, 0x04034b50], ...facts);
    directory.push(record([4, 0x02014b50], [2, 20], ...facts, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), name);
    parts.push(local, name, bytes);
    offset += local.length + name.length + bytes.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  return [...parts, ...directory, record([4, 0x06054b50], [2, 0], [2, 0], [2, files.length],
    [2, files.length], [4, length], [4, offset], [2, 0])];
}
