/** The size that a picture file claims, told from its first bytes: what is too large need not be decoded to be refused. */

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** What a PNG, JPEG, WebP, BMP or GIF file says of its size; undefined for anything else, or a header cut short. */
export function pictureSize(bytes: Uint8Array): PictureSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    for (const [begin, read] of formats) if (begins(bytes, begin)) return read(view);
  } catch (error) {
    // Read past the end.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

type Read = (view: DataView) => PictureSize | undefined;

const formats: readonly (readonly [begin: string, read: Read])[] = [
  ['\x89PNG\r\n\x1a\n', view => ({ width: view.getUint32(16), height: view.getUint32(20) })],
  ['GIF8', view => ({ width: view.getUint16(6, true), height: view.getUint16(8, true) })],
  // A negative height means rows from the top.
  ['BM', view => ({ width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) })],
  ['RIFF', webpSize],
  ['\xff\xd8\xff', jpegSize],
];

const begins = (bytes: Uint8Array, text: string): boolean =>
  Array.from(text).every((character, i) => bytes[i] === character.charCodeAt(0));

const textAt = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map(i => view.getUint8(at + i)));

/** RFC 9649, sections 2.4 to 2.7. */
function webpSize(view: DataView): PictureSize | undefined {
  if (textAt(view, 8) !== 'WEBP') return undefined;
  const three = (at: number) => view.getUint16(at, true) + 65_536 * view.getUint8(at + 2);
  switch (textAt(view, 12)) {
    case 'VP8X':
      return { width: 1 + three(24), height: 1 + three(27) };
    case 'VP8L': {
      const bits = view.getUint32(21, true);
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    }
    case 'VP8 ':
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    default:
      return undefined;
  }
}

/** The first frame header among the markers (ITU T.81, annex B). */
function jpegSize(view: DataView): PictureSize | undefined {
  for (let at = 2; view.getUint8(at) === 0xff; ) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
